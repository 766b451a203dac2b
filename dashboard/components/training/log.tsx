'use client';
// What does a run say right now? The end of its log; it follows unless one scrolls up.
import { useEffect, useRef } from 'react';
import styles from './log.module.css';

export function Log({ lines }: { lines: string[] }) {
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    if (follows.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <pre
      ref={box}
      className={styles.log}
      tabIndex={0}
      aria-label="The end of the log"
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        follows.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {lines.length ? lines.join('\n') : 'Nothing was written yet.'}
    </pre>
  );
}
