// Where does one land? In the chat.
export { default } from './chat/page';
