// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "../kmod/text.h"
#include "format.h"
#include "term.h"
#include "view_lines.h"

static enum tint tint_of(unsigned int type)
{
	switch (type) {
	case SSHOBS_ACCEPT:
	case SSHOBS_ADOPT:
	case SSHOBS_CLOSE:
	case SSHOBS_END:
		return TINT_BOLD;
	case SSHOBS_PROMPT:
		return TINT_GOOD;
	case SSHOBS_CRED:
	case SSHOBS_PTY:
	case SSHOBS_CONNECT:
		return TINT_NAME;
	case SSHOBS_EXEC_FAIL:
	case SSHOBS_SYN:
	case SSHOBS_WIRE:
	case SSHOBS_READING:
		return TINT_DIM;
	case SSHOBS_CLONE_FAIL:
	case SSHOBS_PTY_FAIL:
	case SSHOBS_LOST:
		return TINT_BAD;
	case SSHOBS_MARK:
	case SSHOBS_LOG:
		return TINT_WARN;
	}
	return TINT_NONE;
}

/* Print up to and with the next blank, coloured; return what follows. */
static const char *put_field(const char *line, const char *end, enum tint tint)
{
	const char *blank = memchr(line, ' ', (size_t)(end - line));
	size_t len = (size_t)((blank ? blank : end) - line);

	if (tint == TINT_NONE) {
		fwrite(line, 1, len, stdout);
	} else {
		fputs(term_tint(tint), stdout);
		fwrite(line, 1, len, stdout);
		fputs(term_tint(TINT_NONE), stdout);
	}
	if (blank)
		fputc(' ', stdout);
	return blank ? blank + 1 : end;
}

void view_line(const struct event *event, enum output output)
{
	static char buf[SSHOBS_TEXT_MAX];
	size_t len = sshobs_text(event->hdr, buf, sizeof(buf));
	const char *end = buf + len;
	const char *rest = buf;
	char when[FORMAT_MAX];

	if (output == OUTPUT_SHORT && !term_get()->color) {
		fwrite(buf, 1, len, stdout);
		return;
	}
	if (output == OUTPUT_SHORT_ISO) {
		rest = memchr(buf, ' ', len);
		printf("%s%s%s ", term_tint(TINT_DIM), format_local(when, event_realtime(event)),
		       term_tint(TINT_NONE));
		rest = rest ? rest + 1 : end;
	} else {
		rest = put_field(rest, end, TINT_DIM);
	}
	rest = put_field(rest, end, TINT_KEY);
	rest = put_field(rest, end, tint_of(event->hdr->type));
	fwrite(rest, 1, (size_t)(end - rest), stdout);
}
