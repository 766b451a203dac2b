"""What do keys and tokens look like? The shapes their makers publish, so that scanners can find them."""

from __future__ import annotations

import re

KEY_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]{3,40}-----.*?(?:-----END [A-Z0-9 ]{3,40}-----|\Z)", re.DOTALL)

_SHAPES = (
    r"(?:AKIA|ASIA|AGPA|AIDA|AROA|ABIA|ACCA)[0-9A-Z]{16}",  # AWS
    r"gh[pousr]_\w{30,255}|github_pat_\w{30,255}",
    r"gl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent|oas)-[\w-]{20,}",
    r"sk-(?:ant-|proj-|svcacct-|or-)?[\w-]{20,}",  # OpenAI, Anthropic and whoever speaks their protocol
    r"(?:sk|rk|pk|whsec)_(?:live_|test_|prod_)?[0-9a-zA-Z]{16,99}",  # Stripe
    r"xox[abeoprs]-[\w-]{10,}|xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+",  # Slack
    r"AIza[\w-]{35}|GOCSPX-[\w-]{28}|ya29\.[\w-]{20,}|1//0[\w-]{20,}",  # Google
    r"hf_[a-zA-Z]\w{29,}|r8_[a-zA-Z0-9]{30,}|gsk_[a-zA-Z0-9]{40,}",
    r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",  # a signed token
    r"[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}|mfa\.[\w-]{80,}",  # Discord
    r"\d{8,10}:[\w-]{35}",  # Telegram
    r"npm_[a-zA-Z0-9]{36}|pypi-AgE[\w-]{20,}|dckr_pat_[\w-]{20,}|rubygems_[0-9a-f]{40,}",
    r"SG\.[\w-]{16,32}\.[\w-]{30,64}|key-[0-9a-z]{32}|[0-9a-f]{32}-us\d{1,2}"
    r"|re_[a-zA-Z0-9]{8,}_[a-zA-Z0-9]{20,}",
    r"do[oprs]_v1_[0-9a-f]{64}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|EAA[a-zA-Z0-9]{40,}",
    r"AGE-SECRET-KEY-1[0-9A-Z]{50,60}|AC[0-9a-f]{32}|SK[0-9a-f]{32}|sq0[a-z]{3}-[\w-]{22,43}",
    r"NRAK-[A-Z0-9]{27}|lin_api_[a-zA-Z0-9]{40}|ntn_[a-zA-Z0-9]{40,}|secret_[a-zA-Z0-9]{40,}"
    r"|PMAK-[0-9a-f-]{50,}",
    r"(?:hvs|hvb|s)\.[\w-]{24,}|dapi[0-9a-f]{32}|glsa_\w{32}_[0-9a-f]{8}|tskey-[\w-]{20,}"
    r"|ATATT3[\w=-]{100,}",
    r"AccountKey=[\w+/=]{60,}|SharedAccessKey=[\w+/=]{40,}|sig=[\w%]{40,}",
)
KEY_SHAPE = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(_SHAPES)})")
