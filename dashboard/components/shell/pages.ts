// Which pages are there? The one list: navigation, command list and keys are made from it.
import { IconActivityHeartbeat, IconBinaryTree2, IconDatabase, IconInbox, IconMessageCircle, IconSchool, IconUsers, type Icon } from '@tabler/icons-react';

export interface PageLink {
  href: string;
  name: string;
  key: string; // pressed after g
  says: string;
  icon: Icon;
}

export const PAGES: PageLink[] = [
  { href: '/chat/', name: 'Chat', key: 'c', says: 'Talk to the twin, compare, correct', icon: IconMessageCircle },
  { href: '/inbox/', name: 'Inbox', key: 'i', says: 'Drafts to approve, answers to label', icon: IconInbox },
  { href: '/models/', name: 'Models', key: 'm', says: 'Adapters, their lineage and evaluation', icon: IconBinaryTree2 },
  { href: '/training/', name: 'Training', key: 't', says: 'Runs, live', icon: IconSchool },
  { href: '/data/', name: 'Data', key: 'd', says: 'Sources, uploads, the corpus', icon: IconDatabase },
  { href: '/people/', name: 'People', key: 'p', says: 'Consent, audiences, forgetting', icon: IconUsers },
  { href: '/pulse/', name: 'Pulse', key: 'u', says: 'Messages, opinions, health', icon: IconActivityHeartbeat },
];
