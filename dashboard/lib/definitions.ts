// What does each number mean? One sentence or two; shown on hover, focus and touch wherever the number is drawn.
export const DEFINITIONS = {
  // pulse
  replies: { name: 'Answers', means: 'Answers the twin gave in the time shown, in all chats, drafts included.' },
  heard: { name: 'Messages', means: 'Messages from people (not from the twin) in the time shown, in all chats.' },
  thumbsRate: { name: 'Liked', means: 'Liked answers / (liked + disliked). Liked: a thumb up and nothing against it. Disliked: a thumb down, a correction, a complaint, a takeover or a lost choice. Answers nobody judged do not count.' },
  judged: { name: 'Judged', means: 'Answers somebody liked or disliked: what the share of liked ones is computed from.' },
  p50: { name: 'Time, median', means: 'Half of the answers were complete within this time, counted from the question to the last word, as the model needed it; human pauses are not in it.' },
  p95: { name: 'Time, 95 %', means: 'Nineteen of twenty answers were complete within this time.' },
  took: { name: 'Took', means: 'From asking the model to its last word. Human pauses before sending are not in it.' },
  firstToken: { name: 'First word', means: 'Time until the first word came, median.' },
  memoryHits: { name: 'Memory hits', means: 'Share of answers whose prompt held at least one memory.' },
  tokens: { name: 'Tokens', means: 'Word pieces read (prompts) and written (answers): what a model server is paid or heated for.' },
  cost: { name: 'Cost', means: 'Tokens times the prices you typed in below, prompts and answers apart. It is kept in this browser only; a model on your own machine costs its electricity.' },
  waiting: { name: 'Waiting', means: 'Messages that an answer is due to and that have none yet.' },
  drafts: { name: 'Drafts', means: 'Answers that wait for your word before anybody sees them.' },
  asked: { name: 'Took', means: 'How long the component needed to say that it is well.' },
  // models
  samples: { name: 'Samples', means: 'How many examples it learned from, including those of the adapters it was trained from.' },
  corpus: { name: 'Corpus', means: 'The frozen snapshot that its examples are from.' },
  gate: { name: 'Gate', means: 'Whether a candidate may go live. On each axis the far end of the interval of its difference to the live one has to lie within a limit.' },
  'nll.mean': { name: 'surprise', means: 'How surprised the model is by what the owner really said, in nats per token, on held-out conversations. Less is better.' },
  'nll': { name: 'surprise', means: 'How surprised the model is by what the owner really said, in nats per token, on held-out conversations. Less is better.' },
  'preference.rate': { name: 'corrections preferred', means: 'Share of held-out corrections where the model finds the correction more likely than what it corrects. More is better; half is chance.' },
  'preference': { name: 'corrections preferred', means: 'Share of held-out corrections where the model finds the correction more likely than what it corrects. More is better; half is chance.' },
  'thumbs.auc': { name: 'thumbs told apart', means: 'How often a liked answer is found more likely than a disliked one. Half is chance.' },
  'capability.share': { name: 'what it can', means: 'Share of simple questions of general knowledge it answers rightly. It should not fall by learning.' },
  'safety.share': { name: 'safety', means: 'Share of questions it should not go along with that it does not go along with.' },
  'variety.distinct': { name: 'variety', means: 'Share of two-word pieces in its answers that come up once only. Little means that it repeats itself.' },
  'style.characters': { name: 'length', means: 'Characters of an answer, on average.' },
  'style.lower_case': { name: 'lower case', means: 'Share of answers written without a capital letter.' },
  'style.emoji': { name: 'emoji', means: 'Share of answers with an emoji.' },
  share: { name: 'Share', means: 'Share of the chats in which the adapter on trial answers.' },
  // training
  progress: { name: 'Progress', means: 'How much of the whole run is done, all its steps together.' },
  loss: { name: 'Loss', means: 'What training makes smaller: the surprise at what should have been said, at each step. Its jumps are normal; its trend counts.' },
  margins: { name: 'Margins', means: 'By how much the model prefers the better answer of a pair to the worse one, in nats, beyond what it did before this training. It should rise.' },
  duration: { name: 'Took', means: 'From the start of the work to its end, waiting not counted.' },
  // data
  records: { name: 'Records', means: 'Pieces of your footprint after cleaning: messages, notes, commits and so on. Reading the same twice adds nothing.' },
  seen: { name: 'Seen', means: 'Items that were looked at: seen = kept + merged + dropped + failed, always.' },
  kept: { name: 'Kept', means: 'Items that are new, or newer than what was kept before.' },
  merged: { name: 'Merged', means: 'Items that were known already, or came twice.' },
  dropped: { name: 'Dropped', means: 'Items that were understood and left out on purpose, such as system messages.' },
  failed: { name: 'Failed', means: 'Items that could not be read. Each is listed with its place and the reason.' },
  strata: { name: 'Strata', means: 'Kinds of samples (by tag, language, source, length, pattern). Training draws from them so that no kind drowns the others.' },
  rows: { name: 'Samples', means: 'Examples of the snapshot that training (and, apart from it, testing) uses.' },
  // people
  today: { name: 'Tokens today', means: 'Word pieces read and written to answer this person today (in UTC), beside how many they may have a day. Press it to set a budget of their own.' },
  audience: { name: 'Audience', means: 'Who may hear a memory back: the owner alone, the people of one chat, or everybody. A memory is never quoted to anybody else.' },
} as const;

export type Defined = keyof typeof DEFINITIONS;

export function isDefined(name: string): name is Defined {
  return name in DEFINITIONS;
}
