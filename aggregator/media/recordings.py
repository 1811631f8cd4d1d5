"""Recognises recordings by their first bytes: they are kept byte for byte, with these media types."""

from __future__ import annotations

__all__ = ["type_of_recording"]

_MPEG_LAYERS = frozenset((0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2, 0xFD, 0xFC, 0xF5, 0xF4))
_AAC = frozenset((0xF1, 0xF9, 0xF0, 0xF8))
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ")


def type_of_recording(body: bytes) -> str | None:
    """The media type of an audio or video file, by its first bytes; None for anything else.

    A page or a script never begins like one of these.
    """
    head = body[:64]
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] and head[1] in _MPEG_LAYERS):
        return "audio/mpeg"
    if head[:1] == b"\xff" and head[1:2] and head[1] in _AAC:
        return "audio/aac"
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:12] in _AUDIO_BRANDS else "video/mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm"
    return {b"OggS": "audio/ogg", b"fLaC": "audio/flac"}.get(head[:4])
