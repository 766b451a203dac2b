// What does each number mean? One sentence each; shown on hover wherever the number is drawn.
export const DEFINITIONS = {
  thumbsRate: { name: 'Liked', means: 'Of the answers that somebody judged, the share with a thumbs-up and without a thumbs-down, correction or complaint. Answers nobody judged do not count.' },
  judged: { name: 'Judged', means: 'Answers with at least one opinion that was not withdrawn.' },
} as const;

export type Defined = keyof typeof DEFINITIONS;
