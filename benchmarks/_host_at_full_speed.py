"""How are many twins run where no chat app sets limits? As `twin host`, with Telegram's turned up.

python -m benchmarks._host_at_full_speed host DIR
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks._chat_at_full_speed import NO_LIMITS
from twin.host import host_until_stopped

if __name__ == "__main__":
    asyncio.run(host_until_stopped(Path(sys.argv[2]), NO_LIMITS))
