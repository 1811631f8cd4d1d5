"""Words that say nothing about what a story is: function words, formulas of titles, dates, calls to readers.

Lists for English, German, Chinese and Japanese; function words also of other languages that the web is
written in, because a text's language is found by them. All are in the form of `str.casefold`.
"""

from __future__ import annotations

import re

__all__ = [
    "ADDRESS",
    "ADDRESS_DENSE",
    "ATTRIBUTION",
    "ATTRIBUTION_DENSE",
    "CALLS",
    "CALLS_DENSE",
    "COUNTERS",
    "DENSE_FORMULAS",
    "FORMULAS",
    "FUNCTION_WORDS",
    "NUMBER_WORDS",
    "PART_WORDS",
    "SERIAL_WORDS",
]

_FUNCTION_WORDS = {
    "en": (
        "a about across after again against all also among an and any are around as at be because been "
        "before being between both but by can could d did didn do does doesn don during each every few "
        "for from get go going got had has have he her here his how i if in into is isn it its just let "
        "ll made make many may me more most much my no not now of off on one only or other our out over "
        "own per re s said same says she should since so some still such t than that the their them then "
        "there these they this those through to too under until up us ve very via was we were what when "
        "where which while who why will with within without won would yet you your"
    ),
    "de": (
        "ab aber alle als am an ans auch auf aus bei beim bis da dabei dafür dagegen damit dann daran "
        "darauf das dass davon dazu dem den denn der deren des dessen dich die dies diese diesem diesen "
        "dieser doch dort drei du durch ein eine einem einen einer eines einmal er es etwa etwas euch für "
        "gab ganz gar gegen geht gibt habe haben hat hatte hier hätte ich ihm ihn ihnen ihr ihre ihrem "
        "ihren ihres im immer in innen ins ist ja jede jeden jeder jedes jetzt kann kein keine konnte "
        "konnten können laut liess macht mal man mehr mein mit muss müssen nach neben nicht noch nun nur "
        "ob oder ohne sagte schon sehr sein seine seinem seinen seiner seit selbst sich sie sind so sogar "
        "soll sollen sollte sowie steht trotz um und uns unter viel viele vielen vom von vor war waren "
        "was wegen weil weiter weitere welche wenig wenn wer werden wie wieder will wir wird wo wollen "
        "wollte worden wurde wurden während würde würden zu zum zur zwar zwischen über"
    ),
    "fr": (
        "au aux avec ce ces cette dans de des du elle en est et il ils la le les leur mais ne nous on ou "
        "par pas plus pour qu que qui sa se ses son sont sur un une vous à été être"
    ),
    "es": (
        "al como con de del el en entre es esta este fue ha la las lo los más no para pero por que se ser "
        "sin sobre su sus también un una y"
    ),
    "it": (
        "al alla anche che come con da dal dei del della di e gli ha i il in la le ma nel nella non per "
        "più si sono su un una è"
    ),
    "nl": (
        "aan als bij dat de die door een en er het hij ik in is maar met naar niet nog om ook op over te "
        "tot uit van voor was werd wordt zijn"
    ),
    "pt": (
        "ao as com como da das de do dos e em entre foi mais mas na no não o os ou para pela pelo por que "
        "se sem ser seu sua são também um uma"
    ),
}
FUNCTION_WORDS = {name: frozenset(words.split()) for name, words in _FUNCTION_WORDS.items()}
"""Language -> its function words."""

_FORMULAS_ENGLISH = (
    "tonight watch letters letter corrections christmas merry maintenance scheduled tables gift guide "
    "word quote "
    "recipe picture pictures hours "
    "weekly daily monthly link links reading read release released releases version versions update "
    "updates updated news newsletter roundup digest episode episodes part issue open thread week weeks "
    "weekend month day days today tomorrow yesterday morning evening night review reviews recap "
    "highlights best top new latest notes note changelog podcast briefing brief bulletin hello world test "
    "untitled welcome introduction announcement announcements status report photos photo gallery video "
    "live blog post posts vol volume edition year things know need show interview happy first job jobs "
    "events event calendar schedule weather forecast horoscope lottery numbers results tv guide deals "
    "deal available announcing minutes meeting favourite favorites favourites favorite finds bookmarks "
    "list diary journal log logs issues minor major patch hotfix stable preview nightly candidate launch "
    "launched hiring opening openings recent thoughts random stuff misc miscellaneous bits pieces public "
    "general annual quarterly agenda reminder notice closed closing hours holiday holidays"
)
_FORMULAS_GERMAN = (
    "tages jahres beste besten zitat rezept foto fotos weihnachten frohe leserbriefe fragen antworten "
    "woche wochen wöchentlich wöchentliche täglich linktipps lesetipps ausgabe folge teil rückblick "
    "wochenrückblick monat monats monatsrückblick jahresrückblick presseschau veröffentlicht erschienen "
    "neu neue neues neuer neuen aktuell aktuelles kalenderwoche kw wetter wetterbericht horoskop lotto "
    "lottozahlen gewinnzahlen tipps guten morgen abend nachrichten kurzmeldungen kurznachrichten "
    "überblick meldungen heute gestern tag tage willkommen hallo welt mitteilung pressemitteilung bericht "
    "wochenbericht termine veranstaltungen bilder bild stellenangebot stellenangebote wochenende jahr "
    "nummer fundstücke linksammlung bildergalerie newsticker liveticker tagesschau protokoll sitzung "
    "bekanntmachung hinweis hinweise öffnungszeiten feiertag feiertage urlaub umfrage gewinnspiel "
    "wochenschau monatsbericht jahresbericht allerlei sonstiges gedanken notizen lesenswert lesenswertes "
    "netzfundstücke kurz notiert stellen stellenanzeige stellenanzeigen veröffentlichung freigabe "
    "neuigkeiten newsletter rundbrief"
)
FORMULAS = frozenset(f"{_FORMULAS_ENGLISH} {_FORMULAS_GERMAN}".split())
"""Words of titles that any week, release or diary may have."""

_FORMULAS_CHINESE = (
    "维护 維護 说明 說明 一图 新年快乐 新年快樂 招聘信息 会议 會議 纪要 "
    "每周 周报 週報 每週 每日 周刊 週刊 日报 日報 早报 早報 晚报 晚報 早餐 早安 晚安 "
    "更新日志 更新 发布 發佈 發布 版本 新闻 新聞 资讯 資訊 一周 一週 本周 本週 今日 "
    "今天 昨日 昨天 明天 推荐 推薦 链接 連結 天气 天氣 预报 預報 公告 通知 精选 精選 "
    "汇总 匯總 盘点 盤點 要闻 要聞 快讯 快訊 速递 头条 頭條 读书 读后感 笔记 随笔 随想 "
    "日记 日記 测试 測試 我的 关于 關於 简报 簡報 年度 总结 總結 放假 招聘 招募启事 "
    "启事 国庆节 春节 元旦 周末 週末 月报 年报 播客 节目 網站 网站 博客"
)
_FORMULAS_JAPANESE = (
    "ご案内 案内 イベント 議事録 会議 メンテナンス 求人情報 休業日 ご挨拶 "
    "今週の 今週 今日の 今日 先週 週間 まとめ お知らせ リリース ニュース リンク集 リンク "
    "一覧 アップデート バージョン エピソード 新着 ブログ おすすめ 番組 ダイジェスト 号外 "
    "速報 トップ 読書 日記 年末年始 営業 休業 募集 求人 について を始めました 始めました "
    "しました です ます 今年 今月 朝刊 夕刊"
)
_COUNTERS = "号 號 期 第 回 周 週 年 月 日 集 话 話 章 篇 の は を に が と"
_DENSE = sorted(f"{_FORMULAS_CHINESE} {_FORMULAS_JAPANESE}".split(), key=len, reverse=True)
DENSE_FORMULAS = re.compile("|".join(_DENSE))
"""The same where no spaces are set."""
COUNTERS = re.compile(f"[{_COUNTERS.replace(' ', '')}]")
"""Single characters of titles that count or connect."""

_NUMBERS = {
    "one two three four five six seven eight nine ten eleven twelve": 1,
    "first second third fourth fifth sixth seventh eighth ninth tenth": 1,
    "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf": 1,
    "erste zweite dritte vierte fünfte sechste siebte achte neunte zehnte": 1,
    "erster zweiter dritter vierter fünfter sechster": 1,
    "ii iii iv": 2,
    "vi vii viii ix": 6,
    "xi xii xiii xiv xv xvi xvii xviii xix xx": 11,
}
NUMBER_WORDS = {
    word: str(start + n)
    for words, start in _NUMBERS.items()
    for n, word in enumerate(words.split())
    if word != "ein"
}
"""Words for small numbers -> digits; Roman numerals of two letters and more: `i`, `v`, `x` are words too."""
_MONTHS = {
    "january januar jan jänner": "m1",
    "february februar feb": "m2",
    "march märz mar": "m3",
    "april apr": "m4",
    "may mai": "m5",
    "june juni jun": "m6",
    "july juli jul": "m7",
    "august aug": "m8",
    "september sep sept": "m9",
    "october oktober oct okt": "m10",
    "november nov": "m11",
    "december dezember dec dez": "m12",
    "monday montag mon": "d1",
    "tuesday dienstag tue": "d2",
    "wednesday mittwoch wed": "d3",
    "thursday donnerstag thu": "d4",
    "friday freitag fri": "d5",
    "saturday samstag sonnabend sat": "d6",
    "sunday sonntag sun": "d7",
}
PART_WORDS = {name: mark for names, mark in _MONTHS.items() for name in names.split()}
"""Names of months and weekdays -> one mark for each."""
_SERIAL = (
    "part episode ep issue vol volume no nr number version v release week day chapter season edition "
    "round teil folge ausgabe nummer band kapitel woche kw tag staffel runde spieltag update beta alpha "
    "rc build session meeting sitzung"
)
SERIAL_WORDS = frozenset(_SERIAL.split())
"""Words before the number of a part of a series."""

_CALLS_ENGLISH = (
    "subscri",
    "newsletter",
    "follow us",
    "follow me",
    "follow along",
    "sign up",
    "signup",
    "appeared first on",
    "originally published",
    "originally appeared",
    "read more",
    "read the full",
    "read the rest",
    "read the whole",
    "continue reading",
    "click here",
    "click to",
    "all rights reserved",
    "copyright",
    "©",
    "patreon",
    "ko-fi",
    "support us",
    "support this",
    "support our",
    "support the show",
    "sponsor",
    "advertis",
    "affiliate",
    "our app",
    "our podcast",
    "our website",
    "our newsroom",
    "available on",
    "wherever you get",
    "apple podcasts",
    "spotify",
    "share this",
    "leave a comment",
    "leave us a review",
    "comments are",
    "privacy policy",
    "terms of use",
    "terms of service",
    "cookies",
    "unsubscribe",
    "this email was",
    "this post was",
    "this article is part",
    "related posts",
    "related articles",
    "tell a friend",
    "join us",
    "make a donation",
    "donate",
    "become a member",
    "contact us",
    "for more information",
    "press contact",
    "about us",
    "about the author",
    "about the company",
)
_CALLS_GERMAN = (
    "abonnier",
    "abonnent",
    "folgen sie",
    "folge uns",
    "folgt uns",
    "jetzt anmelden",
    "weiterlesen",
    "mehr lesen",
    "hier klicken",
    "klicken sie",
    "alle rechte vorbehalten",
    "anzeige:",
    "werbung",
    "unterstützt uns",
    "unterstützen sie",
    "spenden sie",
    "spende",
    "mitglied werden",
    "erschien zuerst",
    "zuerst erschienen",
    "lesen sie auch",
    "lesen sie hier",
    "lesen sie mehr",
    "datenschutz",
    "impressum",
    "nutzungsbedingungen",
    "unsere app",
    "unsere redaktion",
    "überall, wo es",
    "kommentare zu",
    "mehr zum thema",
    "auf facebook",
    "auf instagram",
    "bei whatsapp",
    "auf telegram",
    "auf mastodon",
    "pressekontakt",
    "nachdruck nur",
    "weitere informationen",
    "über uns",
    "erzählt es weiter",
)
_CALLS_CHINESE = (
    "订阅",
    "訂閱",
    "关注我们",
    "關注我們",
    "公众号",
    "公眾號",
    "微信号",
    "扫码",
    "掃碼",
    "二维码",
    "版权",
    "版權",
    "转载",
    "轉載",
    "阅读原文",
    "閱讀原文",
    "阅读全文",
    "閱讀全文",
    "点击",
    "點擊",
    "广告",
    "廣告",
    "责任编辑",
    "責任編輯",
    "更多精彩",
    "欢迎关注",
    "欢迎订阅",
    "歡迎",
    "免责声明",
    "免責聲明",
    "联系我们",
    "聯繫我們",
    "客户端",
    "未经授权",
    "未經授權",
    "赞助",
    "贊助",
    "打赏",
    "本网站",
    "收听",
)
_CALLS_JAPANESE = (
    "に登録",
    "フォロー",
    "メルマガ",
    "ニュースレター",
    "続きを読む",
    "続きは",
    "詳しくはこちら",
    "詳細はこちら",
    "こちらから",
    "こちらをクリック",
    "無断転載",
    "転載を禁",
    "著作権",
    "スポンサー",
    "お問い合わせ",
    "チャンネル登録",
    "会員登録",
    "シェアする",
    "関連記事",
    "ダウンロードは",
    "ダウンロードして",
    "プライバシー",
    "お便りは",
    "友だちに教えて",
    "配信され",
)
CALLS = (*_CALLS_ENGLISH, *_CALLS_GERMAN)
CALLS_DENSE = (*_CALLS_CHINESE, *_CALLS_JAPANESE)
"""Words of sentences that address the reader instead of reporting something."""

ADDRESS = frozenset(
    [
        "we",
        "our",
        "us",
        "you",
        "your",
        "wir",
        "uns",
        "unser",
        "unsere",
        "unserer",
        "unseren",
        "unserem",
        "euch",
        "eure",
    ]
)
_ATTRIBUTION = (
    "said says told according reported announced confirmed denied "
    "sagte sagten erklärte teilte berichtete laut zufolge betonte bestätigte bestreitet"
)
ATTRIBUTION = frozenset(_ATTRIBUTION.split())
ATTRIBUTION_DENSE = re.compile("说|說|表示|称|稱|指出|认为|認為|によると|話す|話し|述べ|語っ|という|発表し")
"""Words by which a report says from whom it knows: what publishers add has none."""

ADDRESS_DENSE = re.compile(
    "您|你|请|請|我们|我們|本报|本報|本站|ください|下さい|当社|弊社|当紙|当店|私たち|お待ち"
)
"""Words by which a text speaks of itself or to its readers: few in news, many in what publishers add."""
