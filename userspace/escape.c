// SPDX-License-Identifier: GPL-2.0
#include <langinfo.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "escape.h"

size_t utf8_decode(const unsigned char *bytes, size_t len, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;

	*point = bytes[0];
	if (bytes[0] < 0x80)
		return 1;
	if ((bytes[0] & 0xe0) == 0xc0)
		n = 2;
	else if ((bytes[0] & 0xf0) == 0xe0)
		n = 3;
	else if ((bytes[0] & 0xf8) == 0xf0)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;
	*point = bytes[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (bytes[i] & 0x3f);
	}
	if (*point < least[n] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return n;
}

/* Characters that say nothing by themselves and change what others look like. */
/* clang-format off */
static const struct {
	uint32_t first;
	uint32_t last;
} harmful[] = {
	{ 0x0000, 0x001f },	/* C0 controls */
	{ 0x007f, 0x009f },	/* DEL, C1 controls */
	{ 0x00ad, 0x00ad },	/* soft hyphen */
	{ 0x061c, 0x061c },	/* Arabic letter mark */
	{ 0x115f, 0x1160 },	/* Hangul fillers */
	{ 0x180e, 0x180e },	/* Mongolian vowel separator */
	{ 0x200b, 0x200f },	/* zero width, direction marks */
	{ 0x2028, 0x202e },	/* separators, direction embeddings */
	{ 0x2060, 0x206f },	/* invisible operators, direction isolates */
	{ 0xd800, 0xf8ff },	/* surrogates, private use */
	{ 0xfe00, 0xfe0f },	/* variation selectors */
	{ 0xfeff, 0xfeff },	/* byte order mark */
	{ 0xfff0, 0xffff },	/* specials */
	{ 0xe0000, 0x10ffff },	/* tags, selectors, private use */
};
/* clang-format on */

bool utf8_is_harmless(uint32_t point)
{
	size_t i;

	for (i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++)
		if (point >= harmful[i].first && point <= harmful[i].last)
			return false;
	return true;
}

static bool locale_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Length of a character that may be printed as it is, or 0. */
static size_t printable(const unsigned char *bytes, size_t len)
{
	uint32_t point;
	size_t n = utf8_decode(bytes, len, &point);

	if (!n || !utf8_is_harmless(point))
		return 0;
	if (n > 1 && !(locale_is_utf8() && iswprint((wint_t)point) && wcwidth((wchar_t)point) > 0))
		return 0;
	return n;
}

static void put_hidden(FILE *out, unsigned char byte)
{
	static const char names[] = "abtnvfr";

	if (byte >= '\a' && byte <= '\r')
		fprintf(out, "\\%c", names[byte - '\a']);
	else
		fprintf(out, "\\x%02x", byte);
}

/* @special: characters that get a backslash too. */
static void put(FILE *out, const unsigned char *bytes, size_t len, const char *special)
{
	while (len) {
		size_t n = printable(bytes, len);

		if (!n) {
			put_hidden(out, *bytes);
			n = 1;
		} else {
			if (*bytes < 0x80 && strchr(special, *bytes))
				fputc('\\', out);
			fwrite(bytes, 1, n, out);
		}
		bytes += n;
		len -= n;
	}
}

void escape_put(FILE *out, const void *bytes, size_t len)
{
	put(out, bytes, len, "\\");
}

void escape_string(FILE *out, const char *s)
{
	escape_put(out, s, strlen(s));
}

static bool is_bare(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("_@%+=:,./-", c);
}

/* 0: may stand as it is; 1: within ''; 2: needs $'' */
static int quoting(const unsigned char *bytes, size_t len)
{
	int need = len == 0;

	while (len) {
		size_t n = printable(bytes, len);

		if (!n || *bytes == '\'')
			return 2;
		if (n == 1 && !is_bare(*bytes))
			need = 1;
		bytes += n;
		len -= n;
	}
	return need;
}

void escape_word(FILE *out, const void *bytes, size_t len)
{
	switch (quoting(bytes, len)) {
	case 0:
		fwrite(bytes, 1, len, out);
		break;
	case 1:
		fputc('\'', out);
		fwrite(bytes, 1, len, out);
		fputc('\'', out);
		break;
	default:
		fputs("$'", out);
		put(out, bytes, len, "\\'");
		fputc('\'', out);
	}
}

void escape_argv(FILE *out, const void *argv, size_t len)
{
	const char *arg = argv;
	const char *separator = "";

	while (len) {
		size_t n = strnlen(arg, len);
		size_t skip = n < len ? n + 1 : n;

		fputs(separator, out);
		escape_word(out, arg, n);
		separator = " ";
		arg += skip;
		len -= skip;
	}
}
