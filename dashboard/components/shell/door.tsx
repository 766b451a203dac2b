'use client';
import type { ReactNode } from 'react';
export function Door({ children }: { children: ReactNode }) {
  return <>{children}</>;
}
