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
    alba carmen consuelo dolores esperanza estrella felix luz nadezda nadia paz pilar roman rosa sol sole
    vera viola wolf
    amber angel april art august autumn baker bear bill black blue brook brown chance chase chip clay
    cliff cook crystal dawn day dean drew duke earl eve faith field forest frank gene ginger grace gray
    green grey guy hazel heather hill holly honey hope hunter iris ivy jack jade jay joy june king
    little long love major mark mason max may melody miles moon olive page pat pearl penny pizza rain
    ray reed rich rob robin rock rose ruby rusty sage sandy sky snow sonny star stone storm sue summer
    sunny violet west white will winter wood young
""")

# No name with other letters: what common words of a few languages would be taken for, were they not here.
COMMON = _words("""
    able about above after again against all almost alone along already also although always am among
    and angry animal another answer any anyone anything apart are area around ask asked away back bad
    ball bank bar base bath be became because become bed been before began behind being believe below
    best better between big bit blood board boat body book both bottle bottom box boy bread break bring
    broke build burn bus busy but buy cake call came camera can candle cannot canteen capital car care
    case cat catch cause center certain chair change charm check child china city class clean clear
    close clothes cold color come common cool corn corner cost could count country course cover cross
    cry cup cut dance danger dark date dead deal dear decide deep did die differ dinner direct do does
    done door down dream dress drink drive drop dry during each ear early earth easy eat edge egg either
    else end enough even evening ever every exam example eye face fact fall family famous far farm fast
    father fear feel feet felt few field fight figure fill final find fine finger finish fire first fish
    five fix floor flower fly follow food foot for force form former found four free fresh friend from
    front fruit full fun funny game garden gas gave general get gift girl give glad glass go goes gold
    gone good got great ground group grow guess guest had hair half hand happen happy hard has hat hate
    have he head hear heard heart heat heavy held hello help her here high him his hit hold hole holiday
    home horse hot hour house how hundred hurt idea if important in inside into iron is island it its
    job join jump just keep kept kid kill kind kitchen knew know land language large last late later
    laugh law lay lead learn least leave left leg less let letter level lie life light like limit line
    lion list listen live local lonely look lose lost lot loud low luck lunch machine made mail main make
    man many map marina marine market martini mass master match matter maybe me mean meat medical meet
    men menu metal middle might mile milk million mind mine minute miss model modern moment money month
    more morning most mother mouth move much music must my name nation near neck need never new news next
    nice night nine no noise none noon nor north nose not note nothing now number object ocean of off
    offer office often oil old on once one only open or orange order other our out over own page pain
    pair panda pants paper parade part party pass past patient pay peace people perfect person phone
    photo piece place plan plane plant play please plenty plus point police poor position possible post
    power present press pretty price problem public pull push put queen question quick quiet quite
    radio ran rather reach read ready real really reason record red remember rest return rice ride right
    ring rise river road rome room round rule run sad safe said sail salt same sand sat save saw say
    school science sea season seat second secret see seem seen sell send sense sent serious seven several
    shape share she ship shirt shoe shop short should shout show side sign silent silver simple since
    sing sir sit six size skin sleep slow small smell smile so soft soil some son song soon sorry sort
    sound soup south space speak special spell spend sport spot spring stand start state stay step stick
    still stop store story strange street strong student study such sudden sugar suit sun super supper
    support sure surprise sweet swim system table take tale talk tall taste teach team tell ten test than
    thank that them then there these they thing think third this those though thousand three through
    time tiny tired to today together told tomorrow tone tonight too took tool top total touch toward
    town track train travel tree trial trip trouble true try turn two type under unit until up upon us
    use usual valley value very view village visit voice wait walk wall want war warm was wash watch
    water wave way we wear weather week weight well went were wet what wheel when where which while who
    whole whose why wide wife wild wind window wine wing wish with woman women wonder word work world
    worry would write wrong year yellow yes yet you your zone
    aber alle allein also andere auch auf aus beim bin bis dann das dass dein denn der dich dir doch eine
    einen einer eines eins euch ganz gar gegen gehen genau gern gut habe haben hallo hast hat heute hier
    ich ihr immer jetzt kann kein keine leben lieb liebe mach mal man mehr mein mich mir mit morgen muss
    nach nein nicht noch nur ohne oder sagen schon sehr sein seine sich sie sind toll und uns viel vom
    wann warum was weil wenn wer wie wieder wir wird wo zeit zum zur
    ahora algo alguien antes aqui ayer bien bueno casa cosa como con cuando dale de dia donde ella ellos
    entonces era esa ese eso esta estar este esto gracias hace hacer hasta hay hola hoy la las lo los
    luego mal manana mas menos mi mismo mucho muy nada nadie nos nunca ola otra otro para pero poco por
    porque puede que quien quiero se ser si sin sobre solo son su tambien tan te tengo tiene todo tu una
    uno vale vamos ver vida voy ya yo
    alors apres assez aussi autre avant avec beau bien bon ca cette chez comme dans demain depuis des
    deux dire dit donc elle encore est et etre faire fait il ils jamais je jour juste la le les leur
    lui mais maman marche merci moi moins non nous on ou oui papa par parce pas peu peut plus pour
    pourquoi quand que quel quelle qui quoi rien sais sans ses soir son sont suis sur tout toute tres
    trop tu un une vais vas vie voila vous vrai
    agora ainda alguem amanha aqui assim boa bom cada coisa com dela dele dia disse ela ele eles essa
    esse esta estou eu fazer foi gente hoje isso isto ja la mais mas me mesmo meu minha muito nada nao
    nem nos nossa nosso obrigado onde ontem para pode porque pra qual quando quem sabe sei sem seu sim
    so sua tambem tem tenho ter toda todo tudo uma vai vem voce vou
    ale bez byl byla bylo co czy dla do dobra dobre dobrze dom dzis gdzie ile jak jest jestem juz kiedy
    kto mam mi mnie moje na nie nim ona one oni po pod sie tak tam ten teraz to tu tylko wiem za zeby
    bolshe budet bylo chto da dela den doma eshe eta eto gde kak kogda kto menia mne mozhet nado
    nam nas net nichego ona oni ochen pochemu poka potom prosto seichas tak tam tebe tebia tolko uzhe
    vot vse vsegda zachem
""")

# Words with a capital in the middle of a sentence that are nobody's name.
NOT_PEOPLE = _words("""
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july
    august september october november december christmas easter halloween english german french spanish
    portuguese italian russian polish japanese chinese korean arabic european american british africa
    america asia australia austria belgium berlin brazil canada china denmark england europe finland
    france germany greece india ireland italy japan lisbon london madrid moscow netherlands norway paris
    poland portugal prague rome russia scotland slovenia spain sweden switzerland tokyo turkey ukraine
    vienna warsaw york android apple amazon chrome discord docker excel facebook firefox github gmail
    google instagram iphone linkedin linux mac microsoft minecraft netflix photoshop playstation postgres
    python reddit rust signal slack spotify steam swift telegram tiktok twitch twitter ubuntu whatsapp
    windows word xbox youtube zoom internet god okay lol sir dear hello thanks please
""")

# How names end when they are declined, spelt as ingest/spellings.py hears them; and who declines them.
ENDINGS = _words("""
    a e i o u ai ei oi ui ia ie iu io om em im am ov ovi ova ove evi iem iei iego iemu ego emu ze zie iui
    ami ah as es is us os ou ovu ovim ovoi
""")
DECLINING = _words("be bg bs cs et fi hr hu lt lv mk pl ru sk sl sr uk")

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
