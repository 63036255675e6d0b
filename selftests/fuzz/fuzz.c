// SPDX-License-Identifier: GPL-2.0
#include <json.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/escape.h"
#include "../../userspace/term.h"
#include "fuzz.h"

const struct origin fuzz_origin = {
	.host = "host",
	.boot_id = "00000000-0000-4000-8000-000000000001",
	.kernel = "6.1.0-0-amd64",
	.realtime_offset_ns = 1795339728000000000,
	.time_ns = 200000000000,
};

/* The standard output while it goes into memory, and the real one. */
static FILE *real_stdout;
static char *text;
static size_t text_len;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	/* Without colours, whatever a terminal obeys has come from the input. */
	static const struct options options = { .color = COLOR_NEVER };

	(void)argc;
	(void)argv;
	setenv("TZ", "UTC", 1);
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		abort();
	term_init(&options);
	return 0;
}

uint64_t input_number(struct input *input, size_t bytes)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < bytes && input->left; i++, input->left--)
		number |= (uint64_t)*input->at++ << 8 * i;
	return number;
}

void *input_bytes(struct input *input, size_t *len)
{
	void *copy;

	if (*len > input->left)
		*len = input->left;
	copy = malloc(*len);
	if (!copy)
		abort();
	if (*len)
		memcpy(copy, input->at, *len);
	input->at += *len;
	input->left -= *len;
	return copy;
}

void out_begin(void)
{
	real_stdout = stdout;
	stdout = open_memstream(&text, &text_len);
	if (!stdout)
		abort();
}

static bool obeyed(uint32_t point)
{
	return (point < ' ' && point != '\n') || (point >= 0x7f && point < 0xa0) ||
	       (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

char *out_end(size_t *len)
{
	const unsigned char *at;
	size_t left, n;
	uint32_t point;

	if (fclose(stdout))
		abort();
	stdout = real_stdout;
	at = (const unsigned char *)text;
	for (left = text_len; left; left -= n, at += n) {
		n = utf8_decode(at, left, &point);
		if (!n || obeyed(point)) {
			fprintf(stderr, "a terminal gets: %.*s\n", (int)text_len, text);
			abort();
		}
	}
	if (len)
		*len = text_len;
	return text;
}

void out_end_json(void)
{
	char *json = out_end(NULL), *line, *rest = json;

	while ((line = strsep(&rest, "\n"))) {
		enum json_tokener_error error = json_tokener_success;
		struct json_object *value = *line ? json_tokener_parse_verbose(line, &error) : NULL;

		if (error != json_tokener_success) {
			fprintf(stderr, "not JSON (%s): %s\n", json_tokener_error_desc(error),
				line);
			abort();
		}
		json_object_put(value);
	}
	free(json);
}
