"""Where does somebody live? What streets, houses and postcodes look like in a dozen languages."""

from __future__ import annotations

import re

_BIG = r"[^\W\d_a-zß-öø-ÿа-яё][\w'’-]{1,25}"  # a word with a capital
_FLAT = r"(?:,?\s(?:[Aa]pt|[Aa]partment|[Ff]lat|[Uu]nit|[Ss]uite|#)\.?\s?\w{1,5}\b)?"
_FLOOR = r"(?:,?\s\d{1,2}\.?[ºª°](?:\s?(?:izq|izda|dcha|dta|esq|dto|[A-Z])\b\.?)?)?"
_TOWN = rf"(?:,?\s(?:[A-Z]{{1,2}}-)?\d{{4,5}}(?:-\d{{3}})?\s{_BIG})?"
_LINKS = r"(?:(?:de|del|della|dei|di|do|da|dos|das|du|des|d['’]|las?|los|les?|l['’]|el|van|den)\s?){0,3}"
_NOT_A_STREET = r"(?!(?:the|an?|of|on|off|down|up|in|to|from|more|and|miles?|km|blocks?)\s)"

STREETS = (
    re.compile(  # 12 bis rue des Lilas
        rf"(?:\b\d{{5}}\s{_BIG},?\s)?\b\d{{1,4}}(?:\s?(?:bis|ter|quater))?,?\s"
        r"(?:[Rr]ue|[Aa]venue|[Aa]v\.|[Bb]oulevard|[Bb]d|[Pp]lace|[Aa]llée|[Cc]hemin|[Ii]mpasse|[Qq]uai"
        r"|[Cc]ours"
        rf"|[Rr]oute|[Ss]quare|[Pp]assage|[Ff]aubourg)\s{_LINKS}{_BIG}(?:\s{_BIG}){{0,3}}{_TOWN}"
    ),
    re.compile(  # 12 Juniper Lane, Flat 3, 22 Harbour Street
        rf"(?:\b(?:flat|apt|unit)\s\w{{1,4}},?\s)?\b\d{{1,4}}[a-z]?,?\s"
        rf"(?:{_NOT_A_STREET}[^\W\d_][\w'’]{{1,25}}\s){{1,3}}"
        rf"(?:street|road|avenue|lane|square|terrace|crescent|boulevard|mews)\b{_FLAT}",
        re.IGNORECASE,
    ),
    re.compile(  # the kinds of streets too common to go by without capitals
        r"(?:\b(?:Flat|Apt|Unit)\s\w{1,4},?\s)?\b\d{1,4}[a-z]?,?\s(?:[A-Z][\w'’]{1,25}\s){1,3}"
        r"(?:St|Rd|Ave|Ln|Dr|Blvd|Pl|Ct|Drive|Close|Court|Way|Gardens|Hill|Place|Walk|Row|Grove|Park)\b"
        + _FLAT
    ),
    re.compile(  # Lindenstraße 12b, Prinsengracht 263
        r"\b(?i:[^\W\d_][\w-]{1,30}[\s-]?(?:stra(?:ß|ss)e|str\.|gasse|gaten|gatan|vägen|straat|gracht"
        r"|kade))"
        rf"\s\d{{1,4}}\s?[a-z]?\b{_TOWN}"
    ),
    re.compile(
        r"\b[A-ZÄÖÜ]\w{2,30}(?:weg|allee|platz|ring|damm|ufer|chaussee|laan|plein|dijk|singel|vej|gade)"
        rf"\s\d{{1,4}}\s?[a-z]?\b{_TOWN}"
    ),
    re.compile(
        r"\b(?:Am|An der|An den|Auf dem|Auf der|Im|In der|Zum|Zur)\s[A-ZÄÖÜ]\w{1,20}?"
        r"(?:berg|feld|hof|bach|tal|park|see|garten|markt|wald|wiesen?|tor|graben|steig|winkel|anger"
        r"|dorf|kirche"
        rf"|mühle|hang|rain|brunnen|brücke)\s\d{{1,3}}[a-z]?\b{_TOWN}"
    ),
    re.compile(  # Calle Mayor 3, 2º B; Rua das Flores 12; Via Roma 5; ul. Długa 12/4
        r"(?:\b(?:[Cc]alle|Carrer|[Aa]venida|Avda\.?|Av\.?|[Pp]laza|Plaça|Paseo|Camino|Ronda|Travesía"
        r"|Rua|R\."
        r"|Travessa|Tv\.|Praça|Largo|Alameda|Estrada|Rodovia|Via|Viale|Piazza|Corso|Vicolo|[Uu]l\."
        r"|[Uu]lica|Ulice"
        rf"|Aleja|[Oo]s\.|Trg|Cesta)|\b[Cc]/)\s?{_LINKS}{_BIG}(?:\s(?:(?:de|del|da|do|dos|das|di|y"
        rf"|e)\s){{0,2}}{_BIG}){{0,4}}"
        rf",?\s(?:n[ºo°.]{{1,2}}\s?)?\d{{1,4}}(?:\s?[a-z]\b|/\d{{1,4}})?{_FLOOR}{_TOWN}"
    ),
    re.compile(rf"\b{_BIG}\s(?:ulica|cesta|utca|út|gatvė|g\.|pr\.|iela)\s\d{{1,4}}[a-z]?\b"),
    re.compile(  # г. Казань, ул. Ленина, д. 5, кв. 12; Невский пр., 28
        r"(?:(?:\b[Гг]\.\s?)?\b[А-ЯЁ][\w-]+,\s)?(?:\b(?:ул(?:ица|ице|\.)|пр(?:оспект|оспекте|-т|\.)|просп\."
        r"|пер(?:еулок|\.)|пл(?:ощадь|\.)|наб(?:ережная|\.)|бульвар|б-р|шоссе|ш\."
        r"|проезд)\s?[А-ЯЁ\d][\w-]+(?:\s[А-ЯЁ][\w-]+)?"
        r"|\b[А-ЯЁ][\w-]+\s(?:ул(?:ица|\.)|пр(?:оспект|-т|\.)|пер(?:еулок|\.)|пл(?:ощадь|\.)|бульвар"
        r"|шоссе))"
        r",?\s(?:д(?:ом|\.)?\s?)?\d{1,4}[а-я]?\b(?:,?\s(?:к(?:орп|в)?\.?|квартира|стр\.?)\s?\d{1,4})*"
    ),
    re.compile(
        r"〒\s?\d{3}-\d{4}(?:\s?\S{2,30}\d)?|\S{2,4}[都道府県]\S{1,12}[市区町村]\S{0,20}?\d+(?:-\d+){0,3}"
    ),
)
STREET_WORD = re.compile(  # one of these is in every street above
    r"stra(?:ß|ss)e|str\.|gasse|gat[ae]n|vägen|straat|gracht|kade|weg|allee|platz|ring|damm|ufer"
    r"|chaussee|laan|plein"
    r"|dijk|singel|vej|gade|street|road|avenue|lane|square|terrace|crescent|boulevard|mews|\b(?:a[mnu]"
    r"|i[mn]|zu[mr])\s"
    r"|rue|\bav|\bbd|place|allée|chemin|impasse|quai|cours|route|passage|faubourg|calle|carrer|plaza"
    r"|plaça|paseo|camino"
    r"|ronda|travesía|rua|\br\.|travessa|\btv|praça|largo|alameda|estrada|rodovia|via|piazza|corso"
    r"|vicolo|ul\.|ulic|aleja"
    r"|\bos\.|trg|cesta|\bc/|utca|\bút|gatvė|\bg\.|\bpr\.|iela|ул|пр|пер|пл|наб|бул|б-р|ш\.|шоссе|〒|[都道府県]"
    r"|\s(?:st|rd|ave|ln|dr|blvd|pl|ct|drive|close|court|way|gardens|hill|place|walk|row|grove|park)\b",
    re.IGNORECASE,
)
_UNITS = r"(?!BC|AD|CE|MB|GB|KB|TB|KM|CM|KG|MG|PM|AM|HP|TV|EU|US|UK|HZ|PC|OK|IT|AI|XP|RT|LP|CD|PS|MS|ML|KW)"
POSTCODE = re.compile(
    r"\b(?:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]{2}\s\d{5}(?:-\d{4})?"
    rf"|[1-9]\d{{3}}\s{_UNITS}[A-Z]{{2}}|\d{{4}}-\d{{3}}\s[A-ZÀ-Ý]\w{{2,20}})\b"
)
