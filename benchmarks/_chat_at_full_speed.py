"""How is the service run where no limit of a chat app shall be met? As `twin up`, with Telegram's turned up.

python -m benchmarks._chat_at_full_speed --home DIR up
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.telegram_tuning import Tuning
from twin.home import Home
from twin.settings import read_settings
from twin.up import serve_until_stopped

NO_LIMITS = Tuning(per_second=1_000_000, chat_seconds=0.0, group_per_minute=1_000_000)

if __name__ == "__main__":
    home = Home(Path(sys.argv[2]))
    asyncio.run(serve_until_stopped(home, read_settings(home), NO_LIMITS))
