'use client';
export const useMe = () => ({ name: 'Mira', role: 'owner' });
export const useWaiting = () => 3;
export async function leave() {}
