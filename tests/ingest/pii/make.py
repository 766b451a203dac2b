"""Which lines are the templates good for? Writes made.txt of each half; the same dice every time.

python tests/ingest/pii/make.py
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

Check = Callable[[str, random.Random], str]

HERE = Path(__file__).parent
HALVES = {"development": 1, "held_out": 2}
ROUNDS = 9  # how often each template is filled
LETTERS = {
    "#": "0123456789",
    "%": "ABCDEFGHJKLMNPRSTUVWXYZ",
    "&": "abcdefghijkmnopqrstuvwxyz",
    "^": "0123456789abcdef",
}
LETTERS["*"] = LETTERS["#"] + LETTERS["%"] + LETTERS["&"]
SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ren",
    "tus",
    "vel",
    "dor",
    "pin",
    "sa",
    "bra",
    "quo",
    "net",
    "fi",
    "gar",
    "zel",
)


def lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("//"):
            yield line


def fill(shape: str, dice: random.Random) -> str:
    """A format with its letters drawn; one that begins with "!name" gets its checksum from CHECKS."""
    name, _, rest = shape.partition(" ") if shape.startswith("!") else ("", "", shape)
    text = "".join(
        "".join(dice.sample(SYLLABLES, 3)) if letter == "~" else dice.choice(LETTERS.get(letter, letter))
        for letter in rest
    )
    return CHECKS[name[1:]](text, dice) if name else text


def make(half: str) -> list[str]:
    dice, folder = random.Random(HALVES[half]), HERE / half
    formats: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines(folder / "formats.txt"):
        kind, _, shape = line.partition(": ")
        formats[kind].append(shape)
    calls: dict[str, list[str]] = {"person": [], "handle": []}
    for line in lines(folder / "people.txt"):
        known, _, said = line.partition(" : ")
        calls["person"] += [one.strip() for one in said.split(",")]
        calls["handle"] += [one.strip() for one in known.split(" | ") if one.startswith("@")]
    turns: dict[str, int] = defaultdict(int)

    def one(found: re.Match[str]) -> str:
        kind = found[1]
        turns[kind] += 1
        shapes = formats[kind] or calls[kind]  # each in its turn, so that none is left out
        value = shapes[turns[kind] % len(shapes)]
        if kind in calls:
            return f"⟦{kind}:{value}⟧"
        parts = re.split("⟦|⟧", value)
        if len(parts) == 1:
            return f"⟦{kind}:{fill(value, dice)}⟧"
        before, told, after = parts
        return f"{fill(before, dice)}⟦{kind}:{fill(told, dice)}⟧{fill(after, dice)}"

    return [
        re.sub(r"\{(\w+)\}", one, template)
        for _ in range(ROUNDS)
        for template in lines(folder / "templates.txt")
    ]


# checksums


def digits_of(text: str) -> list[int]:
    return [int(digit) for digit in text if digit.isdigit()]


def with_last(text: str, digit: int | str) -> str:
    """The text with its last letter replaced."""
    return text[:-1] + str(digit)


def luhn(text: str, dice: random.Random) -> str:
    digits = digits_of(text)[:-1]
    total = sum(sum(divmod(2 * digit, 10)) for digit in digits[::-2]) + sum(digits[-2::-2])
    return with_last(text, -total % 10)


def iban(text: str, dice: random.Random) -> str:
    plain = text.replace(" ", "").upper()
    number = int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:2] + "00"))
    return text[:2] + f"{98 - number % 97:02}" + text[4:]


def weighted(*weights: int, modulo: int = 10, minus: bool = True) -> Check:
    def check(text: str, dice: random.Random) -> str:
        total = sum(weight * digit for weight, digit in zip(weights, digits_of(text), strict=False))
        rest = -total % modulo if minus else total % modulo
        return with_last(text, 0 if rest == 10 else rest)

    return check


def pesel(text: str, dice: random.Random) -> str:
    born = (
        f"{dice.randint(50, 99)}{dice.randint(1, 12):02}{dice.randint(1, 28):02}{dice.randint(1000, 9999)}0"
    )
    return weighted(1, 3, 7, 9, 1, 3, 7, 9, 1, 3)(born, dice)


def nif(text: str, dice: random.Random) -> str:
    """Spain: a letter after the number, or before it as well for foreigners."""
    number = int(
        text.replace("X", "0").replace("Y", "1").replace("Z", "2").replace("-", "").replace(".", "")[:8]
    )
    return text + "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def cpf(text: str, dice: random.Random) -> str:
    digits = digits_of(text)[:9]
    for length in (10, 11):
        digits.append(sum((length - at) * digit for at, digit in enumerate(digits)) * 10 % 11 % 10)
    kept = iter(digits)
    return "".join(str(next(kept)) if letter.isdigit() else letter for letter in text)


def steuer(text: str, dice: random.Random) -> str:
    digits = [*dice.sample(range(1, 10), 9)]
    digits.append(digits[2])
    product = 10
    for digit in digits:
        product = ((digit + product) % 10 or 10) * 2 % 11
    digits.append((11 - product) % 10)
    kept = iter(digits)
    return "".join(str(next(kept)) if letter.isdigit() else letter for letter in text)


def nir(text: str, dice: random.Random) -> str:
    """France: sex, year, month, place, order and a key."""
    parts = [
        dice.choice("12"),
        f"{dice.randint(50, 99)}",
        f"{dice.randint(1, 12):02}",
        f"{dice.randint(1, 95):02}",
        f"{dice.randint(1, 990):03}",
        f"{dice.randint(1, 999):03}",
    ]
    return " ".join([*parts, f"{97 - int(''.join(parts)) % 97:02}"])


def snils(text: str, dice: random.Random) -> str:
    digits = digits_of(text)[:9]
    return text[:-2] + f"{sum((9 - at) * digit for at, digit in enumerate(digits)) % 101 % 100:02}"


ODD_DIGITS = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]
ODD_LETTERS = [*ODD_DIGITS, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]


def codice(text: str, dice: random.Random) -> str:
    """Italy: six letters of the name, the birthday, the place and a letter that sums it up."""
    born = f"{dice.randint(50, 99)}{dice.choice('ABCDEHLMPRST')}{dice.randint(1, 28):02}"
    first = f"{text[:6]}{born}{dice.choice('AFHL')}{dice.randint(100, 999)}"
    values = [int(letter) if letter.isdigit() else ord(letter) - 65 for letter in first]
    odd = [ODD_DIGITS if letter.isdigit() else ODD_LETTERS for letter in first[::2]]
    total = sum(table[value] for table, value in zip(odd, values[::2], strict=True)) + sum(values[1::2])
    return first + chr(65 + total % 26)


def hetu(text: str, dice: random.Random) -> str:
    born = f"{dice.randint(1, 28):02}{dice.randint(1, 12):02}{dice.randint(50, 99)}"
    order = f"{dice.randint(2, 899):03}"
    return f"{born}-{order}" + "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(born + order) % 31]


def personnummer(text: str, dice: random.Random) -> str:
    return luhn(
        f"{dice.randint(50, 99)}{dice.randint(1, 12):02}{dice.randint(1, 28):02}-{dice.randint(100, 999)}0",
        dice,
    )


def aadhaar(text: str, dice: random.Random) -> str:
    """India: Verhoeff's checksum; the digit that makes it come out is tried."""
    d = [[0] * 10 for _ in range(10)]
    for i in range(10):
        for j in range(10):
            a, b = i % 5, j % 5
            d[i][j] = [(a + b) % 5, (a + b) % 5 + 5, (a - b) % 5 + 5, (a - b) % 5][2 * (i >= 5) + (j >= 5)]
    turn = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    p = [list(range(10))]
    for _ in range(7):
        p.append([turn[value] for value in p[-1]])
    for last in range(10):
        total = 0
        for at, digit in enumerate(reversed(digits_of(with_last(text, last)))):
            total = d[total][p[at % 8][digit]]
        if total == 0:
            return with_last(text, last)
    raise AssertionError("one of ten digits fits")


def ssn(text: str, dice: random.Random) -> str:
    between = "-" if "-" in text else " " if " " in text else ""
    return between.join(
        (f"{dice.randint(101, 665)}", f"{dice.randint(10, 99)}", f"{dice.randint(1001, 9999)}")
    )


def day(text: str, dice: random.Random) -> str:
    """DD, MM and YYYY become a day of somebody's birth."""
    said = {
        "DD": f"{dice.randint(1, 28):02}",
        "MM": f"{dice.randint(1, 12):02}",
        "YYYY": f"{dice.randint(1955, 2004)}",
    }
    return re.sub("DD|MM|YYYY", lambda found: said[found[0]], text)


def bsn(text: str, dice: random.Random) -> str:
    while sum((9 - at) * digit for at, digit in enumerate(digits_of(text)[:8])) % 11 == 10:
        text = fill("#########", dice)
    return with_last(text, sum((9 - at) * digit for at, digit in enumerate(digits_of(text)[:8])) % 11)


def place(text: str, dice: random.Random) -> str:
    return f"{dice.uniform(-60, 65):.5f}, {dice.uniform(-170, 170):.5f}"


def ip(text: str, dice: random.Random) -> str:
    return ".".join(str(dice.randint(1, 254)) for _ in range(4))


CHECKS = {
    "luhn": luhn,
    "iban": iban,
    "pesel": pesel,
    "nif": nif,
    "cpf": cpf,
    "steuer": steuer,
    "nir": nir,
    "snils": snils,
    "codice": codice,
    "hetu": hetu,
    "personnummer": personnummer,
    "aadhaar": aadhaar,
    "ssn": ssn,
    "day": day,
    "place": place,
    "ip": ip,
    "bsn": bsn,
    "ptnif": weighted(9, 8, 7, 6, 5, 4, 3, 2, modulo=11),
    "ahv": weighted(1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3),
    "inn": weighted(2, 4, 10, 3, 5, 9, 4, 6, 8, modulo=11, minus=False),
}


def main() -> None:
    for half in HALVES:
        (HERE / half / "made.txt").write_text("\n".join(make(half)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
