// SPDX-License-Identifier: GPL-2.0
/*
 * Words that a user chooses: arguments, paths and names of sockets as they are printed, and the
 * times and numbers of the reader's own command line. An input is such words, a NUL after each.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/escape.h"
#include "../../userspace/format.h"
#include "../../userspace/inspect_words.h"
#include "fuzz.h"

static unsigned int hex(char c)
{
	return c <= '9' ? (unsigned int)c - '0' : (unsigned int)c - 'a' + 10;
}

/* The byte that an escape means. */
static char meant(const char **at)
{
	static const char names[] = "abtnvfr";
	char c = *(*at)++;

	if (c == '\\' || c == '\'')
		return c;
	if (c == 'x') {
		*at += 2;
		return (char)(hex((*at)[-2]) << 4 | hex((*at)[-1]));
	}
	if (!memchr(names, c, sizeof(names) - 1))
		abort();
	return (char)('\a' + (strchr(names, c) - names));
}

/* What a shell would make of a word: itself, what stands in '', or in $''. */
static void check_word(const char *at, const char *word, size_t len)
{
	bool quoted = *at == '\'', escaped = *at == '$' && at[1] == '\'';
	size_t i;

	at += quoted ? 1 : escaped ? 2 : 0;
	for (i = 0; i < len; i++) {
		char c = *at++;

		if (escaped && c == '\\')
			c = meant(&at);
		if (c != word[i])
			abort();
	}
	if (strcmp(at, quoted || escaped ? "'" : "") != 0)
		abort();
}

static void print_words(const char *words, const struct blob *name)
{
	size_t len = name->len;
	size_t first = strnlen(words, len);
	char *text;

	out_begin();
	escape_word(stdout, words, first);
	text = out_end(NULL);
	check_word(text, words, first);
	free(text);
	out_begin();
	escape_put(stdout, words, len);
	escape_argv(stdout, words, len);
	words_unix_name(stdout, name);
	free(out_end(NULL));
}

static void parse_words(const char *words)
{
	uint64_t number;
	int64_t time;
	char buf[FORMAT_MAX];

	parse_number(words, UINT64_MAX, &number);
	if (parse_delay(words, &number) && (number < 100000000 || number > 3600000000000))
		abort();
	if (parse_time(words, fuzz_origin.realtime_offset_ns, &time)) {
		format_utc(buf, time);
		format_local(buf, time);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	char *string = calloc(1, size + 1), *exact;
	struct blob name = { string, size };

	if (!string)
		abort();
	memcpy(string, data, size);
	exact = input_bytes(&input, &size);
	parse_words(string);
	print_words(exact, &name);
	free(exact);
	free(string);
	return 0;
}
