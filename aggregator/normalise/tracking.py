"""Tracking parameters of links: parts of a query that only the publisher's statistics use.

One list for comparing links and for removing parameters. A parameter is listed only if a page is the same
without it. A name that some sites use for content (`ref`, `source`) counts by its value or by the host.
Prefixes are listed for whole families (utm_source, utm_medium, and the misspelt utm_mediun).
"""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["is_tracking", "without_tracking"]

_CLICKS = (
    "fbclid gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid msclkid yclid ysclid twclid ttclid "
    "igshid igsh li_fat_id rdt_cid epik sccid wickedid irclickid rb_clickid srsltid dicbo tblci obclid "
    "cvid ocid __twitter_impression xing_share ref_src ref_url fb_action_ids fb_action_types fb_source "
    "action_object_map action_type_map action_ref_map spm scm spm_id_from share_source share_medium "
    "share_plat share_session_id vd_source"
)
_NEWSLETTERS = (
    "mc_cid mc_eid mkt_tok _hsenc _hsmi hsctatracking __hstc __hssc __hsfp vero_id vero_conv oly_enc_id "
    "oly_anon_id ml_subscriber ml_subscriber_hash ck_subscriber_id _bta_tid _bta_c _ke _kx bsft_clkid "
    "bsft_eid bsft_uid bsft_mid bsft_aaid"
)
_STATISTICS = (
    "_ga _gl _openstat yrid guccounter guce_referrer guce_referrer_sig wt_mc wt_zmc wt.mc_id wt.mc_ev "
    "wtrid cmpid ncid icid s_cid s_kwcid sc_cid ef_id xtor xtref ns_mchannel ns_source ns_campaign "
    "ns_linkname ns_fee at_medium at_campaign at_campaign_type at_format at_ptr_name at_link_id "
    "at_link_type at_link_origin at_bbc_team at_variant smid smtyp ftag ftcamp wprov wprss itm_source "
    "itm_medium itm_campaign itm_content itm_term mbid ref_ pd_rd_r pd_rd_w pd_rd_wg pf_rd_p pf_rd_r"
)
_ANYWHERE = frozenset(f"{_CLICKS} {_NEWSLETTERS} {_STATISTICS}".split())
_FAMILIES = ("utm_", "pk_", "piwik_", "mtm_", "matomo_", "hsa_", "ga_source", "ga_medium", "ga_campaign")
_VAGUE = "ref referrer referer source src from via partner cmp cid origin medium campaign track tracking"
_BY_VALUE = frozenset(_VAGUE.split())
_FEED = re.compile(
    r"(?:[a-z]{2,12}[-_.])?(?:rss[0-9]?|feed|rssfeed|newsfeed|feedburner|newsletter)(?:[-_.:|][\w.:|-]*)?",
    re.IGNORECASE | re.ASCII,
)
_SITE = re.compile(r"(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,18}", re.IGNORECASE | re.ASCII)
"""Ghost and others add the name of the linking site to every link (`?ref=blog.example.com`)."""
_BY_HOST = {
    "youtube.com": "si feature pp ab_channel",
    "youtu.be": "si feature pp ab_channel",
    "spotify.com": "si nd",
    "twitter.com": "s t cn",
    "x.com": "s t cn",
    "tiktok.com": "_r _t is_from_webapp is_copy_url sender_device",
    "linkedin.com": "trk trackingid refid lipi midtoken",
    "reddit.com": "share_id rdt",
    "substack.com": "r s publication_id post_id isfreemail triedredirect",
    "medium.com": "source",
    "theguardian.com": "cmp",
    "nytimes.com": "partner emc referringsource",
    "wsj.com": "mod",
    "marketwatch.com": "mod",
    "news.google.com": "oc",
    "bilibili.com": "from from_source share_tag unique_k timestamp bbid ts",
    "mp.weixin.qq.com": "chksm scene subscene srcid sharer_sharetime sharer_shareid clicktime enterid ascene "
    "sessionid from isappinstalled nettype version devicetype exportkey pass_ticket wx_header",
    "asahi.com": "iref",
    "nikkei.com": "n_cid",
    "dw.com": "maca",
}
_AT_HOST = {host: frozenset(names.split()) for host, names in _BY_HOST.items()}
_SIGNATURES = frozenset(["signature", "sig", "x-amz-signature", "x-goog-signature", "hmac", "hdnts"])
"""A signed link is signed with its whole query: changed, it no longer works."""
_LINK = re.compile(r"(?P<place>[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>[^/?#:]*))?")
_PARAMETERS = re.compile(r"[\w.-]+=[^&=]*(?:&[\w.-]+=[^&=]*)*")


def is_tracking(name: str, value: str = "", host: str = "") -> bool:
    """Whether only the publisher's statistics use a parameter of a link's query; `name` in any case."""
    name = name.lower()
    return (
        name in _ANYWHERE
        or name.startswith(_FAMILIES)
        or (name in _BY_VALUE and _FEED.fullmatch(value) is not None)
        or (name == "ref" and _SITE.fullmatch(value) is not None)
        or (bool(host) and any(name in names for names in _at(host.lower())))
    )


def without_tracking(link: str, also: Collection[str] = ()) -> str:
    """`link` without its tracking parameters, all else verbatim; never raises.

    `also`: names of further parameters, in any case; one that ends with `*` means all names that begin so. A
    fragment is removed if it contains only such parameters (`#xtor=RSS-1`). A signed link is not changed.
    """
    if "?" not in link and "#" not in link:
        return link
    rest, number_sign, fragment = link.partition("#")
    rest, question_mark, query = rest.partition("?")
    place = _LINK.match(rest)
    host = (place["host"] or "") if place else ""
    names = frozenset(name.lower() for name in also if not name.endswith("*"))
    begins = tuple(name[:-1].lower() for name in also if name.endswith("*"))
    kept, is_signed = _kept(query, host, names, begins)
    if is_signed:
        return link
    if kept != query:
        query, question_mark = kept, "?" if kept else ""
    if _PARAMETERS.fullmatch(fragment) and not _kept(fragment, host, names, begins)[0]:
        number_sign = fragment = ""
    return f"{rest}{question_mark}{query}{number_sign}{fragment}"


def _kept(query: str, host: str, names: frozenset[str], begins: tuple[str, ...]) -> tuple[str, bool]:
    """The query without tracking parameters, and whether it is signed."""
    kept = []
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        # A parameter that was escaped once too often ("&amp;utm_source=rss") is still a parameter.
        name = name.lower().removeprefix("amp;")
        if name in _SIGNATURES:
            return query, True
        if not (name in names or (begins and name.startswith(begins)) or is_tracking(name, value, host)):
            kept.append(parameter)
    return ("&".join(kept) if len(kept) < query.count("&") + 1 else query), False


def _at(host: str) -> list[frozenset[str]]:
    """The names listed for the host and its parent domains: www.youtube.com has those of youtube.com."""
    labels = host.split(".")
    ends = (".".join(labels[n:]) for n in range(max(len(labels) - 1, 1)))
    return [names for end in ends if (names := _AT_HOST.get(end)) is not None]
