"""Which everyday words say something? Lists for the roster and the tags."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Chats use these as names of contacts, and they point at nobody.
NOBODY = _words("""
    a an and at aunt baby boss brother cat contact dad deleted der de da del di dog doctor dr el gran
    grandma home in la le me mom mother mr mrs ms mum mummy my new of old on phone sister the uncle
    unknown user van von work you
""")

# Names that are also everyday words: alone, only a capital inside a sentence tells which is meant.
EVERYDAY = _words("""
    amber angel april art august autumn baker bear bill black blue brook brown chance chase chip clay
    cliff cook crystal dawn day dean drew duke earl eve faith field forest frank gene ginger grace gray
    green grey guy hazel heather hill holly honey hope hunter iris ivy jack jade jay joy june king
    little long love major mark mason max may melody miles moon olive page pat pearl penny pizza rain
    ray reed rich rob robin rock rose ruby rusty sage sandy sky snow sonny star stone storm sue summer
    sunny violet west white will winter wood young
""")

TECHNICAL = _words("""
    algorithm api app apt backend backup battery bios bluetooth boot browser bug cable cache cli cloud
    code commit compile compiler computer config cpu css database debug deploy desktop disk docker
    driver drivers error ethernet firmware frontend git github gpu html install java javascript kernel
    keyboard laptop latency linux log login merge modem monitor network npm pip pixel plug plugin port
    printer process programming proxy python ram reboot regex repo restart router rust screen script
    server shell software sql ssd ssh stack sync sysadmin terminal test tests thread typescript ubuntu
    update upgrade usb vpn website wifi windows
""")

CREATIVE = _words("""
    album bass beat beats camera canvas chord chords chorus choir compose composing craft crochet dance
    design draw drawing drums film fiction guitar illustration jam knit lyrics melody mixing modular
    music novel oscillator paint painting patch photo photography piano pedal play poem poetry recording
    reverb sample sampler sculpture sequencer sketch sketchbook song songs studio synth synths tape
    theatre track tune verse video vinyl write writing
""")
