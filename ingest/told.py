"""What does somebody give away by saying what it is? A word such as "password" or "born", and then the value.

In every pattern the group `told` is the value; only that is replaced.
"""

from __future__ import annotations

import re

_FILLERS = (
    r"(?:['’]s)?(?:\s(?:for|to|of|on|the|my|our|your|new|is|was|now|it['’]s|wifi|wi-fi|wlan|router"
    r"|netflix|e-?mail|account"
    r"|laptop|phone|door|house|für|das|vom|zum|ist|lautet|war|neue[sr]?|del|de|do|da|dos|la|el|es|é|era"
    r"|est|c['’]est|du"
    r"|le|les|pour|от|для|на|мой|вайфая|вайфай|почты|это|такой|jest|je|yra|no|nr|number|num|card))"
)
_SIGN = r"(?:\s?[:=→—]{1,2}\s{0,3}|\s)"
_PASSWORD = (
    r"(?:passw(?:or)?[dt]s?|passcode|passphrase|passwort|kennwort|pw|pwd|pin(?:[ -]?code)?"
    r"|(?:door|gate|alarm|safe|entry|access|security|entrance)[ -]?code|code (?:wi-?fi|porte|d['’]accès"
    r"|pin)"
    r"|wi-?fi (?:key|code)|mdp|mot de passe|zugangscode|wlan-?(?:schlüssel|key)|contraseña|contrasena"
    r"|clave|senha"
    r"|palavra[- ]passe|parola|пароль|пароля|пин(?:-?код)?|код (?:от|двери|домофона)|hasło|haslo|heslo"
    r"|lozinka|geslo"
    r"|slaptažodis|wachtwoord|salasana|lösenord|şifre|jelszó|パスワード|暗証番号|비밀번호"
    r"|كلمة السر|كلمة المرور|סיסמה)"
)
# It has a digit, a sign between letters, or three words strung together: "wrong!" has not.
_HARD = r"(?=\S{0,99}\d|\S{1,99}[!#$%&*+=?^_~]\w|\S{1,60}[-.]\w{1,60}[-.]\w)[^\s\ue000<\"'`]\S{3,199}"
_KEY = r"(?:api[ _-]?key|secret(?:[ _-]key)?|(?:access |auth |bot )?token)"

_SAID = r"\s?[:=]\s{0,3}[\"'`]?(?P<told>[^\s<\"'`]\S{3,199})"

SECRETS = (
    re.compile(rf"\b{_PASSWORD}\b{_FILLERS}{{0,4}}{_SIGN}[\"'`]?(?P<told>{_HARD})", re.IGNORECASE),
    re.compile(rf"\b(?:{_PASSWORD}|{_KEY})\b{_SAID}", re.IGNORECASE),
    re.compile(
        rf"\bpass\b(?:{_FILLERS}{{0,3}}\sis\s|\s?[:=→—]\s{{0,3}})[\"'`]?(?P<told>{_HARD})", re.IGNORECASE
    ),
    re.compile(rf"\b{_KEY}\b\s?(?:is|was)\s{{1,3}}(?P<told>{_HARD})", re.IGNORECASE),
    re.compile(r"\b(?:bearer|basic)\s(?P<told>[\w.+/=~-]{16,400})", re.IGNORECASE),
    re.compile(r"(?<!\S)(?:-u|--user)\s[^\s:]{1,60}:(?P<told>[^\s<]\S{2,199})"),
    re.compile(r"(?:パスワード|暗証番号)(?:は|:|：)\s?(?P<told>[^\s<]\S{3,60})"),
    re.compile(
        r"\b[A-Z0-9_]{0,40}(?:PASS(?:WORD|WD)?|SECRET|TOKEN|KEY|PWD)[A-Z0-9_]{0,20}"
        r"\s?[=:]\s?[\"']?(?P<told>[^\s\"'<]{4,400})"
    ),
)

_MONTH = (
    r"(?:jan|feb|fév|fev|mar|mär|apr|abr|avr|ma[yij]|jun|juin|jul|juil|aug|ago|août|sep|set|o[ck]t|out"
    r"|nov|de[cz]|ene|dic"
    r"|янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|sau"
    r"|vas|kov|bal|geg|bir"
    r"|lie|rugp|rugs|spa|lap|led|úno|bře|dub|kvě|čer|srp|zář|říj|pro)[^\W\d_]{0,9}\.?"
)
_YEAR = r"(?:,?\s(?:de\s)?(?:19|20)\d\d)"
_DAY = (
    r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{2,4}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.)?\s(?:de\s|of\s)?(?:{_MONTH}{_YEAR}?|[^\W\d_]{{3,12}}{_YEAR})"
    rf"|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?{_YEAR}?|\d{{4}}年\d{{1,2}}月\d{{1,2}}日)"
)
_BORN = (
    r"(?:born|d\.?o\.?b|date of birth|birth ?da(?:y|te)|b-?day|geboren|geb\.|geburtstag|geburtsdatum"
    r"|nací|nació|nacid[oa]"
    r"|nacimiento|fecha nac|cumpleaños|née?|naissance|anniversaire|nasci|nasceu|nascid[oa]|nascimento"
    r"|aniversário"
    r"|родил(?:ся|ась)|рождения|др|urodz\w*|ur\.|narozen\w*|rojen\w*|rođen\w*|gim(?:ė|iau|imo"
    r"|tadienis)\w*|nat[oa] il"
    r"|compleanno|geboortedatum|jarig|doğum|生年月日|誕生日|生まれ)"
)
BIRTHS = (
    re.compile(rf"(?<!\w){_BORN}(?!\w)[^\n]{{0,20}}?(?<!\d)(?P<told>{_DAY})(?!\d)", re.IGNORECASE),
    re.compile(rf"(?<!\d)(?P<told>{_DAY}),?\s(?:geboren|born|is my b(?:irth|-?)day|生まれ)", re.IGNORECASE),
)
# One of these is in whatever BIRTHS find.
SAYS_BORN = re.compile(rf"{_BORN}|geboren|born|b(?:irth|-?)day|生まれ", re.IGNORECASE)

_PLATE = (
    r"(?:(?:licen[cs]e |number )?plates?|reg(?:istration)?(?: no\.?| number)?|kennzeichen|nummernschild"
    r"|matrícula|placa"
    r"|plaque|immatriculation|targa|номер(?:а|ом)? (?:машины|авто)|гос\.?\s?номер|rejestracj\w+"
    r"|tablic\w+|spz|registarska)"
)
PLATES = (
    re.compile(
        rf"(?<!\w)(?i:{_PLATE})(?!\w)[^\n\d]{{0,10}}?(?<!\w)"
        r"(?P<told>(?=[A-ZА-ЯÄÖÜ -]{0,8}\d)(?=(?:[^\d\n]{0,6}\d){2})[A-ZА-ЯÄÖÜ\d]{1,7}"
        r"(?:[ -][A-ZА-ЯÄÖÜ\d]{1,4}){0,2})(?!\w)"
    ),
    re.compile(
        r"\b(?P<told>[A-Z]{2}-\d{3}-[A-Z]{2}|[A-Z]{2}\d{2}\s[A-Z]{3}|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2}\s\d{3,4})\b"
    ),
    re.compile(r"\b(?P<told>[АВЕКМНОРСТУХ]\d{3}[АВЕКМНОРСТУХ]{2}\d{2,3})\b"),
)

_ID = (
    r"(?:passport|reisepass|pasaporte|passeport|passaporto|passaporte|паспорт\w?|paszport\w?|pasas"
    r"|personalausweis|ausweis"
    r"|id[ -]card|identity card|nif|nipc|contribuinte|cpf|cnpj|cuit|curp|ssn|ss#|social security"
    r"|nino"
    r"|ni number|national insurance|nhs|steuer-?id|steuernummer|idnr|tax id|codice fiscale"
    r"|partita iva|pesel"
    r"|regon|dow(?:ód|odu)|снилс|инн|полис|bsn|aadhaar|personnummer|cpr|hetu|fødselsnummer|ahv|avs"
    r"|asmens kodas|oib"
    r"|rodné číslo|jmbg|emšo|cnp|tc kimlik|マイナンバー|driving licen[cs]e|driver['’]?s licen[cs]e"
    r"|führerschein(?:nummer)?"
    r"|permis|student id|customer (?:no|number)|kundennummer|account (?:no|number)|kontonummer|sort code"
    r"|policy (?:no|number)"
    r"|member(?:ship)? (?:no|number)|versichertennummer|n° de sécu(?:rité sociale)?"
    r"|numéro de sécu(?:rité sociale)?)"
)
IDS = (
    re.compile(
        rf"(?<!\w)(?:DNI|NIE|(?i:{_ID}))(?!\w)(?:[ .:#°ºn-]{{1,3}}(?i:no|number|nr|num|is|ist|est|es|to"
        rf"|é|номер|card"
        rf"|my)\b\.?){{0,2}}"
        r"[ .:#°º]{0,4}"
        r"(?P<told>(?=(?:[^\d\n]{0,7}\d){6})(?:[A-Za-z]{0,3}\d[A-Za-z0-9]*"
        r"|[A-Z]{1,6})(?:[ ./-]?(?:[A-Za-z]{0,2}\d[A-Za-z0-9]*"
        r"|[A-Z]{1,3}\b)){0,7})"
    ),
    re.compile(  # by shape alone: British, Italian, Finnish, Spanish
        r"\b(?P<told>[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]"
        r"|[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]|\d{6}[-+A]\d{3}[0-9A-Y]|[XYZ]-?\d{7}-?[A-Z]"
        r"|\d{8}-?[A-HJ-NP-TV-Z])\b"
    ),
)

_NETWORK = (
    r"(?:insta(?:gram)?|ig|snap(?:chat)?|discord|telegram|tg|twitter|tiktok|steam|psn|skype|reddit"
    r"|twitch|vk|gamertag"
    r"|user ?name|nick)"
)
HANDLES = (
    re.compile(
        rf"\b{_NETWORK}\b\s?(?:is|name|handle|id|ist|es|é|est)?\s?:?\s?@?"
        r"(?P<told>(?=[\w.#]{0,31}[\d_#]|\w+\.\w)[^\W\d][\w.]{3,31}(?:#\d{4})?)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<![\w/])(?!(?:issue|pr|bug|no|ticket|room|nr)#)(?P<told>\w[\w.]{1,31}#\d{4})(?!\w)", re.IGNORECASE
    ),
    re.compile(r"(?<![\w/])/?u/(?!all\b)(?P<told>[\w-]{3,20})"),
)

# One of these is in whatever SECRETS and HANDLES find.
SAYS_WHAT = re.compile(
    rf"\b(?:{_PASSWORD}\b|pass\b|{_KEY}|{_NETWORK}\b|bearer|basic|u/)|(?<!\S)-u\s|--user|#\d"
    rf"|[a-z_]{{3}}\w{{0,60}}\s?[=:]",
    re.IGNORECASE,
)
