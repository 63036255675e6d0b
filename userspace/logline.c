// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>

#include "logline.h"

/*
 * Who may put what into a line: the server's own words come first, so a line is known
 * by how it begins. After them comes a name that the client chose, of up to 100 bytes,
 * blanks included, and then " from ADDRESS port PORT", which it cannot choose: so the
 * name ends at the last of those. Only a name that was accepted is one of this host,
 * and ends at the first.
 */

#define NOT_FOUND SIZE_MAX

static struct part part(struct part span, size_t from, size_t to)
{
	return (struct part){ span.at + from, to - from };
}

static struct part after(struct part span, size_t from)
{
	return part(span, from, span.len);
}

static bool begins(struct part span, const char *with)
{
	size_t n = strlen(with);

	return span.len >= n && memcmp(span.at, with, n) == 0;
}

static bool ends(struct part span, const char *with)
{
	size_t n = strlen(with);

	return span.len >= n && memcmp(span.at + span.len - n, with, n) == 0;
}

static bool equals(struct part span, const char *with)
{
	return span.len == strlen(with) && begins(span, with);
}

/* Go past a word, if it stands here. */
static bool skip(struct part *span, const char *word)
{
	if (!begins(*span, word))
		return false;
	*span = after(*span, strlen(word));
	return true;
}

/* Take a word off the end, if it stands there. */
static bool cut(struct part *span, const char *word)
{
	if (!ends(*span, word))
		return false;
	span->len -= strlen(word);
	return true;
}

/* Where a word begins for the first time, or NOT_FOUND. */
static size_t find_first(struct part span, const char *word)
{
	const char *at = span.len ? memmem(span.at, span.len, word, strlen(word)) : NULL;

	return at ? (size_t)(at - span.at) : NOT_FOUND;
}

/* Where it begins for the last time. */
static size_t find_last(struct part span, const char *word)
{
	size_t n = strlen(word);
	size_t at = span.len < n ? 0 : span.len - n + 1;

	while (at--)
		if (begins(after(span, at), word))
			return at;
	return NOT_FOUND;
}

static struct part until(struct part span, size_t at)
{
	return at == NOT_FOUND ? (struct part){ NULL, 0 } : part(span, 0, at);
}

static size_t count_digits(struct part span)
{
	size_t n = 0;

	while (n < span.len && isdigit((unsigned char)span.at[n]))
		n++;
	return n;
}

/* A decimal number that the text begins with; false if it is none of 32 bits. */
static bool take_number(struct part *span, uint32_t *number)
{
	size_t n = count_digits(*span);
	uint64_t sum = 0;
	size_t i;

	if (!n || n > 10)
		return false;
	for (i = 0; i < n; i++)
		sum = sum * 10 + (uint64_t)(span->at[i] - '0');
	if (sum > UINT32_MAX)
		return false;
	*number = (uint32_t)sum;
	*span = after(*span, n);
	return true;
}

/* A word up to a blank, which goes too. */
static struct part take_word(struct part *span)
{
	size_t at = find_first(*span, " ");
	struct part word = part(*span, 0, at == NOT_FOUND ? span->len : at);

	*span = after(*span, at == NOT_FOUND ? span->len : at + 1);
	return word;
}

/* "Nov 24 13:35:20 ", as libc puts it in front: letters, blanks, digits, colons. */
static bool has_bsd_stamp(struct part span)
{
	static const char pattern[] = "aaa dd dd:dd:dd ";
	size_t i;

	if (span.len < sizeof(pattern) - 1)
		return false;
	for (i = 0; i < sizeof(pattern) - 1; i++) {
		unsigned char c = (unsigned char)span.at[i];

		if (pattern[i] == 'a' && !isalpha(c))
			return false;
		if (pattern[i] == 'd' && !isdigit(c) && !(i == 4 && c == ' '))
			return false;
		if (!isalpha((unsigned char)pattern[i]) && c != (unsigned char)pattern[i])
			return false;
	}
	return true;
}

/* "2026-11-24T13:35:20.123456+00:00 ", as others do. */
static bool has_iso_stamp(struct part span)
{
	return span.len > 20 && count_digits(span) == 4 && span.at[4] == '-' && span.at[7] == '-' &&
	       span.at[10] == 'T' && span.at[13] == ':';
}

static bool is_tag(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/';
}

/* The length of "sshd[145]: " or "sshd: ", or 0. */
static size_t tag_length(struct part span)
{
	size_t n = 0;

	while (n < span.len && is_tag((unsigned char)span.at[n]))
		n++;
	if (n && begins(after(span, n), "[")) {
		size_t digits = count_digits(after(span, n + 1));

		n += 1 + digits;
		if (!digits || !begins(after(span, n), "]"))
			return 0;
		n++;
	}
	return n && begins(after(span, n), ": ") ? n + 2 : 0;
}

struct part logline_message(const void *text, size_t len)
{
	struct part span = { text, len };
	struct part rest;

	if (has_bsd_stamp(span))
		span = after(span, 16);
	else if (has_iso_stamp(span))
		take_word(&span);
	if (!tag_length(span)) {
		rest = span;
		take_word(&rest);
		if (tag_length(rest))
			span = rest;
	}
	return after(span, tag_length(span));
}

static void set_user(struct logline *line, struct part user)
{
	line->user = user;
	if (skip(&line->user, "invalid user ") || skip(&line->user, "illegal user "))
		line->invalid_user = true;
}

/* "ED25519 SHA256:..." after "ssh2: "; what follows belongs to a certificate. */
static void parse_key(struct logline *line, struct part rest)
{
	struct part type, fingerprint;

	if (!skip(&rest, " ssh2: "))
		return;
	type = take_word(&rest);
	fingerprint = take_word(&rest);
	cut(&fingerprint, ",");
	if (!type.len || find_first(fingerprint, ":") == NOT_FOUND)
		return;
	line->key_type = type;
	line->fingerprint = fingerprint;
}

/* "METHOD for [invalid user ]USER from ADDRESS port PORT ssh2[: KEY]" */
static void parse_try(struct logline *line, struct part rest)
{
	bool accepted = line->kind == LOGLINE_ACCEPTED;
	size_t from;

	line->method = take_word(&rest);
	if (!skip(&rest, "for "))
		return;
	from = accepted ? find_first(rest, " from ") : find_last(rest, " from ");
	set_user(line, until(rest, from));
	if (from == NOT_FOUND)
		return;
	rest = after(rest, from + strlen(" from "));
	take_word(&rest);
	if (skip(&rest, "port ") && count_digits(rest))
		parse_key(line, after(rest, count_digits(rest)));
	/* By which a client asks what it may try. */
	if (!accepted && equals(line->method, "none"))
		line->kind = LOGLINE_OTHER;
}

/* "[invalid user ]USER from ADDRESS ..." */
static void parse_user_from(struct logline *line, struct part rest)
{
	set_user(line, until(rest, find_last(rest, " from ")));
}

static void parse_invalid_user(struct logline *line, struct part rest)
{
	line->user = until(rest, find_last(rest, " from "));
	line->invalid_user = true;
}

/* PAM's own words, which may have a "for" themselves, then who: "... for USER from HOST" */
static void parse_pam_error(struct logline *line, struct part rest)
{
	size_t at = find_first(rest, " for illegal user ");

	if (at == NOT_FOUND)
		at = find_first(rest, " for ");
	if (at == NOT_FOUND)
		return;
	rest = after(rest, at + strlen(" for "));
	skip(&rest, "service for ");
	parse_user_from(line, rest);
}

/* "USER [from HOST ]not allowed because ..." */
static void parse_not_allowed(struct logline *line, struct part rest)
{
	size_t at = find_first(rest, " not allowed because ");
	struct part user = until(rest, at);
	size_t from = find_first(user, " from ");

	if (at == NOT_FOUND) {
		line->kind = LOGLINE_OTHER;
		return;
	}
	line->user = from == NOT_FOUND ? user : until(user, from);
}

static void parse_access_denied(struct logline *line, struct part rest)
{
	line->user = until(rest, find_last(rest, " by PAM account "));
}

static void parse_root_refused(struct logline *line, struct part rest)
{
	(void)rest;
	line->user = (struct part){ "root", 4 };
}

/* "[authenticating user USER ]ADDRESS port PORT"; its monitor leaves out a blank. */
static void parse_peer(struct logline *line, struct part rest)
{
	size_t port, blank;

	if (skip(&rest, "invalid user "))
		line->invalid_user = true;
	else if (!skip(&rest, "authenticating user ") && !skip(&rest, "authenticatinguser ") &&
		 !skip(&rest, "user "))
		return;
	port = find_last(rest, " port ");
	if (port == NOT_FOUND)
		return;
	blank = find_last(part(rest, 0, port), " ");
	line->user = until(rest, blank);
}

static void parse_disconnecting(struct logline *line, struct part rest)
{
	if (ends(rest, ": Too many authentication failures"))
		line->kind = LOGLINE_TOO_MANY_FAILURES;
	parse_peer(line, rest);
}

static void parse_connection_from(struct logline *line, struct part rest)
{
	if (cut(&rest, " timed out"))
		parse_peer(line, rest);
	else
		line->kind = LOGLINE_OTHER;
}

/* "USER[(uid=UID)] by ..." */
static void parse_session_opened(struct logline *line, struct part rest)
{
	struct part who = until(rest, find_last(rest, " by "));
	size_t at = find_last(who, "(uid=");
	struct part number;

	line->kind = LOGLINE_SESSION_OPENED;
	line->user = at == NOT_FOUND ? who : until(who, at);
	if (at == NOT_FOUND)
		return;
	number = after(who, at + strlen("(uid="));
	line->uid_known = take_number(&number, &line->uid) && equals(number, ")");
}

/* "pam_unix(sshd:auth): authentication failure; ...", "pam_unix(sshd:session): session ..." */
static void parse_pam_module(struct logline *line, struct part rest)
{
	size_t at = find_first(rest, "): ");
	bool session = ends(until(rest, at), ":session");

	line->kind = LOGLINE_OTHER;
	if (at == NOT_FOUND)
		return;
	rest = after(rest, at + strlen("): "));
	if (begins(rest, "authentication failure; ")) {
		line->kind = LOGLINE_PAM_MODULE;
		return;
	}
	if (session && skip(&rest, "session opened for user "))
		parse_session_opened(line, rest);
}

/* dropbear: "'USER' from ADDRESS:PORT[, extra auth required]" */
static void parse_dropbear_password(struct logline *line, struct part rest)
{
	line->method = (struct part){ "password", 8 };
	if (ends(rest, ", extra auth required"))
		line->kind = LOGLINE_OTHER;
	if (skip(&rest, "'"))
		line->user = until(rest, find_last(rest, "' from "));
}

/* "'USER' with [TYPE ]key FINGERPRINT from ADDRESS:PORT[, extra auth required]" */
static void parse_dropbear_key(struct logline *line, struct part rest)
{
	size_t with, from;
	struct part key;

	line->method = (struct part){ "publickey", 9 };
	if (ends(rest, ", extra auth required"))
		line->kind = LOGLINE_OTHER;
	skip(&rest, "'");
	with = find_last(rest, "' with ");
	line->user = until(rest, with);
	if (with == NOT_FOUND)
		return;
	key = after(rest, with + strlen("' with "));
	from = find_last(key, " from ");
	key = until(key, from);
	if (!key.at || skip(&key, "key ")) {
		/* Old ones give the hash as a word of its own: "sha1!! aa:bb:..." */
		line->fingerprint = key;
		return;
	}
	line->key_type = take_word(&key);
	skip(&key, "key ");
	line->fingerprint = key;
}

static void parse_dropbear_nobody(struct logline *line, struct part rest)
{
	(void)rest;
	line->invalid_user = true;
}

static void parse_dropbear_wrong_user(struct logline *line, struct part rest)
{
	line->invalid_user = true;
	line->user = until(rest, find_last(rest, " from "));
	if (!line->user.at)
		line->user = rest;
}

/* " from <ADDRESS:PORT>: [(user 'USER', N fails): ]REASON" */
static void parse_dropbear_exit(struct logline *line, struct part rest)
{
	size_t reason = find_last(rest, ": ");
	size_t user = find_first(rest, " (user '");
	size_t fails;

	if (reason == NOT_FOUND)
		return;
	if (user != NOT_FOUND) {
		struct part who = after(rest, user + strlen(" (user '"));

		fails = find_last(who, "', ");
		line->user = until(who, fails);
		who = after(who, fails == NOT_FOUND ? who.len : fails + strlen("', "));
		if (!take_number(&who, &line->failures))
			line->failures = 0;
	}
	rest = after(rest, reason + 2);
	if (begins(rest, "Max auth tries reached"))
		line->kind = LOGLINE_TOO_MANY_FAILURES;
	else if (equals(rest, "Timeout before auth"))
		line->kind = LOGLINE_TIMEOUT;
	else if (equals(rest, "Disconnect received"))
		line->kind = LOGLINE_DISCONNECTED;
	else if (ends(rest, "reset by peer"))
		line->kind = LOGLINE_RESET;
	else if (!equals(rest, "Exited normally"))
		line->kind = LOGLINE_FATAL;
}

/* How lines begin; the first that fits. */
/* clang-format off */
static const struct {
	const char *begin;
	enum logline_kind kind;
	void (*parse)(struct logline *line, struct part rest);
} patterns[] = {
	{ "Accepted ",				LOGLINE_ACCEPTED,	parse_try },
	{ "Failed ",				LOGLINE_FAILED,		parse_try },
	{ "PAM: ",				LOGLINE_PAM_FAILED,	parse_pam_error },
	{ "pam_",				LOGLINE_PAM_MODULE,	parse_pam_module },
	{ "Invalid user ",			LOGLINE_INVALID_USER,	parse_invalid_user },
	{ "User ",				LOGLINE_NOT_ALLOWED,	parse_not_allowed },
	{ "Access denied for user ",		LOGLINE_NOT_ALLOWED,	parse_access_denied },
	{ "ROOT LOGIN REFUSED FROM ",		LOGLINE_NOT_ALLOWED,	parse_root_refused },
	{ "maximum authentication attempts exceeded for ", LOGLINE_TOO_MANY_FAILURES, parse_user_from },
	{ "Timeout before authentication for ",	LOGLINE_TIMEOUT,	NULL },
	{ "Connection closed by ",		LOGLINE_CLOSED,		parse_peer },
	{ "Connection from ",			LOGLINE_CLOSED,		parse_connection_from },
	{ "Connection reset by ",		LOGLINE_RESET,		parse_peer },
	{ "Disconnected from ",			LOGLINE_DISCONNECTED,	parse_peer },
	{ "Received disconnect from ",		LOGLINE_DISCONNECTED,	NULL },
	{ "Disconnecting ",			LOGLINE_DISCONNECTING,	parse_disconnecting },
	{ "Unable to negotiate with ",		LOGLINE_PROTOCOL,	NULL },
	{ "banner exchange: ",			LOGLINE_PROTOCOL,	NULL },
	{ "kex_exchange_identification: ",	LOGLINE_PROTOCOL,	NULL },
	{ "ssh_dispatch_run_fatal: ",		LOGLINE_PROTOCOL,	NULL },
	{ "Bad protocol version identification ", LOGLINE_PROTOCOL,	NULL },
	{ "Bad remote protocol version identification: ", LOGLINE_PROTOCOL, NULL },
	{ "Did not receive identification string ", LOGLINE_PROTOCOL,	NULL },
	{ "Protocol major versions differ",	LOGLINE_PROTOCOL,	NULL },
	{ "Bad packet length ",			LOGLINE_PROTOCOL,	NULL },
	{ "probed from ",			LOGLINE_PROTOCOL,	NULL },
	{ "scanned from ",			LOGLINE_PROTOCOL,	NULL },
	{ "drop connection #",			LOGLINE_REFUSED,	NULL },
	{ "refused connect from ",		LOGLINE_REFUSED,	NULL },
	{ "Connection refused by tcp wrapper",	LOGLINE_REFUSED,	NULL },
	{ "Password auth succeeded for ",	LOGLINE_ACCEPTED,	parse_dropbear_password },
	{ "Pubkey auth succeeded for ",		LOGLINE_ACCEPTED,	parse_dropbear_key },
	{ "Auth succeeded with blank password for ", LOGLINE_ACCEPTED,	parse_dropbear_password },
	{ "Bad password attempt for ",		LOGLINE_FAILED,		parse_dropbear_password },
	{ "Bad PAM password attempt for ",	LOGLINE_FAILED,		parse_dropbear_password },
	{ "Pubkey auth bad signature for ",	LOGLINE_FAILED,		parse_dropbear_key },
	{ "Login attempt for nonexistent user",	LOGLINE_INVALID_USER,	parse_dropbear_nobody },
	{ "Login attempt with wrong user ",	LOGLINE_INVALID_USER,	parse_dropbear_wrong_user },
	{ "Exit before auth",			LOGLINE_CLOSED,		parse_dropbear_exit },
};
/* clang-format on */

/* What begins with the name of a function of the server. */
static enum logline_kind find_inside(struct part message, bool fatal)
{
	size_t child = find_first(message, "preauth child ");

	if (fatal && child != NOT_FOUND &&
	    find_first(after(message, child), "terminated by signal ") != NOT_FOUND)
		return LOGLINE_CRASHED;
	return fatal ? LOGLINE_FATAL : LOGLINE_OTHER;
}

void logline_parse(const void *text, size_t len, struct logline *line)
{
	struct part message = logline_message(text, len);
	bool fatal;
	size_t i;

	memset(line, 0, sizeof(*line));
	while (cut(&message, "\n") || cut(&message, " "))
		;
	line->message = message;
	fatal = skip(&message, "fatal: ");
	if (!fatal)
		skip(&message, "error: ");
	/* The process that is not trusted yet has its monitor write them. */
	cut(&message, " [preauth]");
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (!begins(message, patterns[i].begin))
			continue;
		line->kind = patterns[i].kind;
		if (patterns[i].parse)
			patterns[i].parse(line, after(message, strlen(patterns[i].begin)));
		return;
	}
	line->kind = find_inside(message, fatal);
}
