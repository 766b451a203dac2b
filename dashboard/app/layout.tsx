// What is around every page? Styles, the theme, the session, the shell.
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './fonts.css';
import './globals.css';
import { mantineHtmlProps } from '@mantine/core';
import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import { Providers } from '@/components/shell/providers';

export const metadata: Metadata = { title: { default: 'twin', template: '%s · twin' }, icons: { icon: '/icon.svg' } };
export const viewport: Viewport = { width: 'device-width', initialScale: 1, colorScheme: 'light dark' };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" {...mantineHtmlProps}>
      <head>
        {/* Before anything is painted; a file of its own, so that no inline script is needed. */}
        {/* eslint-disable-next-line @next/next/no-sync-scripts */}
        <script src="/color-scheme.js" />
      </head>
      <body>
        <Providers>{children}</Providers>
      </body>
    </html>
  );
}
