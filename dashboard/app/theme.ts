'use client';
// How does it look? Warm paper, quiet ink, one colour; contrast of at least 4.5 everywhere (WCAG AA).
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const tide: MantineColorsTuple = ['#edf6f5', '#dbebe9', '#b5d9d5', '#8cc5bf', '#63b0a9', '#3f9990', '#23776f', '#1c655e', '#16524c', '#0e3c38'];
const gray: MantineColorsTuple = ['#faf9f7', '#f4f2ee', '#e9e6e0', '#dcd8d0', '#c7c2b8', '#98928a', '#67625a', '#544f48', '#3b3833', '#262420'];
const dark: MantineColorsTuple = ['#e2dfd9', '#c8c4bc', '#a8a399', '#968f86', '#3e3b36', '#32302c', '#272521', '#1d1b19', '#171614', '#100f0e'];
// As a badge its darkest shade stands on its lightest.
const yellow: MantineColorsTuple = ['#fff8e1', '#fdf0c8', '#fae1a0', '#f5cf72', '#efbb46', '#e3a521', '#c98a1b', '#a86f10', '#8a5a0a', '#6b4400'];

export const theme = createTheme({
  primaryColor: 'tide',
  primaryShade: { light: 6, dark: 7 },
  colors: { tide, gray, dark, yellow },
  black: '#262420',
  white: '#ffffff',
  defaultRadius: 'md',
  radius: { xs: '4px', sm: '6px', md: '10px', lg: '14px', xl: '22px' },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Code', 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: '620', sizes: { h1: { fontSize: '1.6rem' }, h2: { fontSize: '1.05rem' }, h3: { fontSize: '0.95rem' } } },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Tooltip: { defaultProps: { multiline: true, w: 260, withArrow: true, openDelay: 150, events: { hover: true, focus: true, touch: true } } },
    Paper: { defaultProps: { withBorder: true, radius: 'lg' } },
    Badge: { defaultProps: { variant: 'light', radius: 'sm' }, styles: { root: { textTransform: 'none', fontWeight: 550 } } },
    Button: { styles: { root: { fontWeight: 550 } } },
    Modal: { defaultProps: { centered: true, radius: 'lg' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#faf9f7',
    '--page-card': '#ffffff',
    '--page-line': '#e6e2db',
    '--page-soft': '#f2efea',
    '--page-good': '#1f6b3f',
    '--page-bad': '#a8322d',
    '--page-warn': '#855300',
    '--mantine-color-dimmed': '#67625a',
    '--mantine-color-placeholder': '#6f6a62',
    '--mantine-color-default-border': '#dcd8d0',
  },
  dark: {
    '--mantine-color-body': '#191816',
    '--mantine-color-tide-light': '#1e3b37',
    '--mantine-color-tide-light-hover': '#234540',
    '--page-card': '#21201d',
    '--page-line': '#33302c',
    '--page-soft': '#2a2825',
    '--page-good': '#7cc79a',
    '--page-bad': '#f19a92',
    '--page-warn': '#e3b15c',
    '--mantine-color-dimmed': '#a8a399',
    '--mantine-color-placeholder': '#989288',
    '--mantine-color-default-border': '#3e3b36',
  },
});
