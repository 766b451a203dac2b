'use client';
import { Page, Panel } from '@/components/page';
import { Lines } from '@/components/charts';
export default function P() {
  return <Page title="inbox" lead="Something calm"><Panel title="Panel"><Lines title="x" x="x" rows={[{x:1,a:2},{x:2,a:3},{x:3,a:1}]} series={[{name:'a'}]} /></Panel></Page>;
}
