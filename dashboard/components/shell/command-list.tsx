'use client';
// The list of commands, once somebody asks for it.
import '@mantine/spotlight/styles.css';
import { Spotlight, spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useEffect } from 'react';

export default function CommandList({ actions, opened }: { actions: (SpotlightActionData | SpotlightActionGroupData)[]; opened: number }) {
  useEffect(() => spotlight.open(), [opened]);
  return (
    <Spotlight
      actions={actions}
      shortcut={null}
      nothingFound="Nothing of that name"
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{ leftSection: <IconSearch size={18} aria-hidden />, placeholder: 'What would you like to do?', 'aria-label': 'Search commands' }}
    />
  );
}
