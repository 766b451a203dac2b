'use client';
// How is a series drawn? By Mantine's charts (Recharts), fetched only when a page has something to draw.
import { Skeleton } from '@mantine/core';
import dynamic from 'next/dynamic';

const waiting = () => <Skeleton height={220} radius="md" />;

export const Lines = dynamic(() => import('./lines'), { ssr: false, loading: waiting });
export const Bars = dynamic(() => import('./bars'), { ssr: false, loading: waiting });
export const Intervals = dynamic(() => import('./intervals'), { ssr: false, loading: waiting });
export { Spark } from './spark';
