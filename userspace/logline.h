/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines that an SSH server hands to the system's log: OpenSSH 8.4 to 10.3, the
 * PAM modules that run in it, and dropbear.
 *
 * Pure, and it trusts nobody: names of users are as the client typed them, and may
 * imitate the rest of a line. Whether the process that wrote the line is to be
 * believed is the caller's business.
 */
#ifndef _SSHOBS_LOGLINE_H
#define _SSHOBS_LOGLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum logline_kind - what a line says
 * @LOGLINE_OTHER: nothing about how a login goes, or not understood
 * @LOGLINE_ACCEPTED: authentication succeeded
 * @LOGLINE_FAILED: one try failed; "Failed none", by which a client asks what it may
 *	try, is LOGLINE_OTHER
 * @LOGLINE_PAM_FAILED: PAM refused a try of keyboard-interactive
 * @LOGLINE_PAM_MODULE: a PAM module told of a failure of its own, which may be part of
 *	a try that is also told otherwise
 * @LOGLINE_INVALID_USER: there is no such user
 * @LOGLINE_NOT_ALLOWED: the configuration does not let this user in
 * @LOGLINE_TOO_MANY_FAILURES: the server ended it after too many failed tries
 * @LOGLINE_TIMEOUT: the grace time was over
 * @LOGLINE_CLOSED: the client closed the connection, or no longer answered
 * @LOGLINE_RESET: the client reset the connection
 * @LOGLINE_DISCONNECTED: the client said that it disconnects
 * @LOGLINE_DISCONNECTING: the server said that it disconnects
 * @LOGLINE_PROTOCOL: no common algorithm, no SSH, or wrong SSH
 * @LOGLINE_REFUSED: refused before authentication: MaxStartups, penalties, TCP wrapper
 * @LOGLINE_CRASHED: a process of the server died by a signal
 * @LOGLINE_FATAL: the server gave up for another reason
 * @LOGLINE_SESSION_OPENED: PAM opened the session of a user
 * @LOGLINE_KINDS: how many there are
 */
enum logline_kind {
	LOGLINE_OTHER,
	LOGLINE_ACCEPTED,
	LOGLINE_FAILED,
	LOGLINE_PAM_FAILED,
	LOGLINE_PAM_MODULE,
	LOGLINE_INVALID_USER,
	LOGLINE_NOT_ALLOWED,
	LOGLINE_TOO_MANY_FAILURES,
	LOGLINE_TIMEOUT,
	LOGLINE_CLOSED,
	LOGLINE_RESET,
	LOGLINE_DISCONNECTED,
	LOGLINE_DISCONNECTING,
	LOGLINE_PROTOCOL,
	LOGLINE_REFUSED,
	LOGLINE_CRASHED,
	LOGLINE_FATAL,
	LOGLINE_SESSION_OPENED,
	LOGLINE_KINDS,
};

/**
 * struct part - bytes of a line that stand in it; escape them
 * @at: first byte; NULL: the line has no such part
 * @len: how many
 */
struct part {
	const char *at;
	size_t len;
};

/**
 * struct logline - one line, understood
 * @kind: what it says
 * @message: the line without time stamp and tag
 * @method: "publickey", "keyboard-interactive/pam", ...
 * @user: name of the user, as the client gave it
 * @key_type: "ED25519", "RSA", "ED25519-CERT", ...
 * @fingerprint: of the key, with the name of its hash: "SHA256:..."
 * @uid: of LOGLINE_SESSION_OPENED: the user's id; valid if @uid_known
 * @failures: failed tries that the line counts up to now; 0: it does not
 * @uid_known: the line has a user id
 * @invalid_user: it says that there is no such user
 */
struct logline {
	enum logline_kind kind;
	struct part message;
	struct part method;
	struct part user;
	struct part key_type;
	struct part fingerprint;
	uint32_t uid;
	uint32_t failures;
	bool uid_known;
	bool invalid_user;
};

/**
 * logline_parse() - understand a line
 * @text: the line as SSHOBS_LOG has it: the datagram without its "<priority>"
 * @len: bytes of it
 * @line: out: what it says; its parts point into @text
 *
 * A line that is not understood is LOGLINE_OTHER, with what could be stripped of time
 * stamp and tag as its message.
 */
void logline_parse(const void *text, size_t len, struct logline *line);

/**
 * logline_message() - what a line says, without its time stamp, host and tag
 * @text: as for logline_parse()
 * @len: bytes of it
 *
 * Return: a part of @text.
 */
struct part logline_message(const void *text, size_t len);

#endif /* _SSHOBS_LOGLINE_H */
