'use client';
// Is that meant? Says what changes before it changes; the dialogue itself is fetched when it is needed.
import dynamic from 'next/dynamic';
import { useState, type ReactNode } from 'react';

export interface Question {
  title: string;
  body: ReactNode;
  yes: string;
  danger?: boolean;
  never?: boolean; // it cannot be done: the body says why
  typed?: string; // has to be typed first: for what cannot be undone
  run: () => Promise<unknown>;
}

const ConfirmDialogue = dynamic(() => import('./confirm-dialogue'), { ssr: false });

/** `ask(question)` opens it; `dialogue` belongs somewhere on the page. */
export function useConfirm() {
  const [question, setQuestion] = useState<Question | null>(null);
  const [open, setOpen] = useState(false);
  return {
    ask: (one: Question) => {
      setQuestion(one);
      setOpen(true);
    },
    dialogue: question && <ConfirmDialogue question={question} opened={open} close={() => setOpen(false)} />,
  };
}
