// SPDX-License-Identifier: GPL-2.0
/*
 * Says how the reader understands lines of the log, one a line on the standard input,
 * which is what "loglines" has. A line is parsed in memory of exactly its size, and so is
 * each beginning of it: with the address sanitizer, a byte read beyond it is a finding.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/logline.h"

static const char *const names[LOGLINE_KINDS] = {
	[LOGLINE_OTHER] = "other",
	[LOGLINE_ACCEPTED] = "accepted",
	[LOGLINE_FAILED] = "failed",
	[LOGLINE_PAM_FAILED] = "pam-failed",
	[LOGLINE_PAM_MODULE] = "pam-module",
	[LOGLINE_INVALID_USER] = "invalid-user",
	[LOGLINE_NOT_ALLOWED] = "not-allowed",
	[LOGLINE_TOO_MANY_FAILURES] = "too-many-failures",
	[LOGLINE_TIMEOUT] = "timeout",
	[LOGLINE_CLOSED] = "closed",
	[LOGLINE_RESET] = "reset",
	[LOGLINE_DISCONNECTED] = "disconnected",
	[LOGLINE_DISCONNECTING] = "disconnecting",
	[LOGLINE_PROTOCOL] = "protocol",
	[LOGLINE_REFUSED] = "refused",
	[LOGLINE_CRASHED] = "crashed",
	[LOGLINE_FATAL] = "fatal",
	[LOGLINE_SESSION_OPENED] = "session-opened",
};

static void put(const char *name, struct part span)
{
	if (span.at)
		printf(" %s=<%.*s>", name, (int)span.len, span.at);
}

static void parse(const char *text, size_t len, struct logline *line, char **copy)
{
	*copy = malloc(len ? len : 1);
	if (!*copy)
		exit(1);
	memcpy(*copy, text, len);
	logline_parse(*copy, len, line);
}

static void say(const char *text, size_t len)
{
	struct logline line;
	char *copy;

	parse(text, len, &line, &copy);
	printf("%s", names[line.kind]);
	put("user", line.user);
	put("method", line.method);
	put("key", line.key_type);
	put("fingerprint", line.fingerprint);
	if (line.uid_known)
		printf(" uid=%u", line.uid);
	if (line.failures)
		printf(" failures=%u", line.failures);
	printf("%s\n\t%.*s\n", line.invalid_user ? " invalid" : "", (int)line.message.len,
	       line.message.at);
	free(copy);
}

int main(void)
{
	struct logline line;
	char *text = NULL, *copy;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&text, &size, stdin)) > 0) {
		size_t cut;

		if (text[len - 1] == '\n')
			len--;
		if (!len || *text == '#')
			continue;
		for (cut = 0; cut < (size_t)len; cut++) {
			parse(text, cut, &line, &copy);
			free(copy);
		}
		say(text, (size_t)len);
	}
	free(text);
	return 0;
}
