// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of the log, through userspace/logline.c. An input is a line.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/logline.h"
#include "fuzz.h"

/* What the parser itself knows stands in no line. */
static bool is_known(struct part part)
{
	static const char *const words[] = { "root", "password", "publickey" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (part.len == strlen(words[i]) && memcmp(part.at, words[i], part.len) == 0)
			return true;
	return false;
}

static void check_part(struct part part, const char *text, size_t len)
{
	if (!part.at || is_known(part))
		return;
	if (part.at < text || part.at > text + len || part.len > (size_t)(text + len - part.at))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct logline line;

	logline_parse(text, size, &line);
	if (line.kind >= LOGLINE_KINDS)
		abort();
	check_part(logline_message(text, size), text, size);
	check_part(line.message, text, size);
	check_part(line.method, text, size);
	check_part(line.user, text, size);
	check_part(line.key_type, text, size);
	check_part(line.fingerprint, text, size);
	return 0;
}
