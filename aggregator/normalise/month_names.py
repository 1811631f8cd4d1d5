"""Names of months and days as feeds write them, in the languages that feeds are written in; data only."""

from __future__ import annotations

__all__ = ["AFTERNOON", "DATE_WORDS", "MONTHS", "MORNING"]

# One line a month: full, genitive and short forms, without their full stops, lower case.
_NAMES = (
    (
        "january jan januar jänner janv janvier enero ene gennaio gen janeiro januari jaan jaanuar января "
        "январь янв січня січень січ stycznia styczeń sty ledna leden led januára január tammikuu "
        "tammikuuta ocak oca ianuarie ian ιανουαρίου ιανουάριος ιαν ιανουαριου януари яну siječnja "
        "siječanj sij януар sausio gener janar janúar januara "
        "يناير جانفي ژانویه ינואר जनवरी"
    ),
    (
        "february feb februar feber févr février fevrier fevr fév febrero febbraio fevereiro fev februari "
        "февраля февраль фев лютого лютий лют lutego luty lut února únor úno unora február helmikuu "
        "helmikuuta şubat subat şub februarie φεβρουαρίου φεβρουάριος φεβ φεβρουαριου февруари veljače "
        "veljača velj фебруар vasario febrer febr februára febrúar "
        "فبراير شباط فيفري فوریه פברואר फ़रवरी फरवरी"
    ),
    (
        "march mar märz maerz mär mrz mars marzo março marco maart mrt марта март мар березня березень "
        "бер marca marzec marec března březen bře brezna március márc márciusi maaliskuu maaliskuuta mart "
        "martie μαρτίου μάρτιος μαρ μαρτιου ožujka ožujak ožu kovo març marts maret "
        "مارس آذار מרץ मार्च"
    ),
    (
        "april apr avril avr abril abr aprile апреля апрель апр квітня квітень кві kwietnia kwiecień kwi "
        "dubna duben dub április ápr huhtikuu huhtikuuta nisan nis aprilie απριλίου απρίλιος απρ απριλιου "
        "април travnja travanj tra balandžio apríla apríl "
        "أبريل ابريل إبريل نيسان أفريل آوریل אפריל अप्रैल"
    ),
    (
        "may mai mayo maggio mag maio mei mej maj мая май травня травень тра maja května květen kvě "
        "kvetna május máj toukokuu toukokuuta mayıs mayis μαΐου μάιος μαϊ μαι svibnja svibanj svi мај "
        "gegužės maig mája maí "
        "مايو أيار ماي مه מאי मई"
    ),
    (
        "june jun juni juin junio giugno giu junho июня июнь июн червня червень чер czerwca czerwiec cze "
        "června červen čvn cervna június jún kesäkuu kesäkuuta haziran haz iunie iun ιουνίου ιούνιος ιουν "
        "ιουνιου юни lipnja lipanj јун birželio juny júna júní "
        "يونيو حزيران جوان ژوئن יוני जून"
    ),
    (
        "july jul juli juil juillet julio luglio lug julho июля июль июл липня липень лип lipca lipiec "
        "lip července červenec čvc cervence július júl heinäkuu heinäkuuta temmuz tem iulie iul ιουλίου "
        "ιούλιος ιουλ ιουλιου юли srpnja srpanj јул liepos juliol júla júlí "
        "يوليو تموز جويلية ژوئیه יולי जुलाई"
    ),
    (
        "august aug août aout aoû agosto ago augusti augustus августа август авг серпня серпень сер "
        "sierpnia sierpień sie srpna srpen srp augusztus elokuu elokuuta ağustos agustos ağu αυγούστου "
        "αύγουστος αυγ αυγουστου kolovoza kolovoz kol rugpjūčio agost augusta ágúst agustus agu "
        "أغسطس اغسطس آب أوت اوت אוגוסט अगस्त"
    ),
    (
        "september sep sept septembre septiembre setiembre settembre set setembro сентября сентябрь сен "
        "сент вересня вересень вер września wrzesień wrz září zář zari szeptember szept syyskuu syyskuuta "
        "eylül eylul eyl septembrie σεπτεμβρίου σεπτέμβριος σεπ σεπτ σεπτεμβριου септември rujna rujan "
        "ruj септембар rugsėjo setembre septembra "
        "سبتمبر أيلول سپتامبر ספטמבר सितंबर सितम्बर"
    ),
    (
        "october oct oktober okt octobre octubre ottobre ott outubro out октября октябрь окт жовтня "
        "жовтень жов października październik paź pazdziernika října říjen říj rijna október lokakuu "
        "lokakuuta ekim eki octombrie οκτωβρίου οκτώβριος οκτ οκτωβριου октомври октобар spalio októbra "
        "أكتوبر اكتوبر اکتبر אוקטובר अक्टूबर अक्तूबर"
    ),
    (
        "november nov novembre noviembre novembro ноября ноябрь ноя нояб листопада листопад лис listopada "
        "listopad lis listopadu marraskuu marraskuuta kasım kasim kas noiembrie noi νοεμβρίου νοέμβριος "
        "νοε νοεμβριου ноември studenoga studeni stu новембар lapkričio novembra nóvember "
        "نوفمبر نوامبر נובמבר नवंबर नवम्बर"
    ),
    (
        "december dec dez dezember déc décembre decembre diciembre dic dicembre dezembro декабря декабрь "
        "дек грудня грудень гру grudnia grudzień gru prosince prosinec pro joulukuu joulukuuta aralık "
        "aralik ara decembrie δεκεμβρίου δεκέμβριος δεκ δεκεμβριου декември prosinca prosinac децембар "
        "gruodžio desembre desember des decembra "
        "ديسمبر دسامبر דצמבר दिसंबर दिसम्बर"
    ),
)

MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
"""Lower-case name -> 1..12. Where two Slavic languages disagree (listopad), the larger one's month "
"is meant."""

_WORDS = (
    # English, German, Dutch, Scandinavian, Finnish
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed weds thu thur thurs fri "
    "sat sun "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so uhr um "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag ma wo vr za zo om "
    "måndag tisdag onsdag torsdag fredag lördag söndag mån tis ons tor fre lör sön "
    "mandag tirsdag lørdag søndag man tir lør søn kl den "
    "maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai maanantaina klo ti ke to pe la su "
    # Romance
    "lundi mardi mercredi jeudi vendredi samedi dimanche lun mer jeu ven sam dim le à "
    "lunes martes miércoles miercoles jueves viernes sábado sabado domingo mié mie jue vie sáb sab dom de "
    "del el las "
    "lunedì martedì mercoledì giovedì venerdì domenica gio alle ore "
    "segunda terça quarta quinta sexta feira seg ter qua qui sex às "
    "luni marți miercuri joi vineri sâmbătă duminică "
    # Slavic
    "понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс г года в "
    "понеділок вівторок середа четвер пʼятниця п'ятниця субота неділя нд о р року "
    "poniedziałek wtorek środa czwartek piątek sobota niedziela pon wt śr czw pt sob niedz godz r "
    "pondělí úterý středa čtvrtek pátek sobota neděle po út st čt pá so ne v "
    "pondelok utorok streda štvrtok piatok nedeľa "
    # Turkish, Greek, Hungarian
    "pazartesi salı çarşamba perşembe cuma cumartesi pazar pzt sal çar per cum cmt paz saat "
    "δευτέρα τρίτη τετάρτη πέμπτη παρασκευή σάββατο κυριακή δευ τρι τετ πεμ παρ σαβ κυρ στις "
    "hétfő kedd szerda csütörtök péntek szombat vasárnap "
    "st nd rd th at of on"
)

DATE_WORDS = frozenset(_WORDS.split())
"""Days of the week and particles, lower case: ignored in dates."""

MORNING = ("上午", "午前", "오전", "凌晨", "早上")
AFTERNOON = ("下午", "午後", "오후", "晚上")
"""East Asian words for the afternoon, which dates have before the hour."""
