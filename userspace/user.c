// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "user.h"

/*
 * Who logged in. If the server's log says whom it accepted, that is the user, and PAM
 * may tell the id. Else it is concluded: sshd gives up its rights twice: first a child that talks to a
 * client which is not trusted yet becomes the user "sshd", and only forks or
 * becomes a program if it is something else after all; while it lives, what
 * others run (AuthorizedKeysCommand) is not the user's. Later the server becomes
 * the user, or executes the user's program: that settles it. Programs that root
 * runs without a terminal may belong to the set-up (update-motd.d) or be the
 * command of a root login: they are a guess.
 */
static void guess_user(struct session *session, uint32_t uid)
{
	/* Once the name is known, only what is certain may tell the id. */
	if (session->user == USER_SETTLED || session->evidence.accepted_ns)
		return;
	session->uid = uid;
	session->user = USER_GUESSED;
}

static void settle_user(struct session *session, uint32_t uid)
{
	if (session->user != USER_SETTLED)
		session->uid = uid;
	session->user = USER_SETTLED;
}

static void drop_to_user(struct session *session, uint32_t uid, uint64_t time_ns)
{
	if (session->user != USER_SETTLED)
		session->milestones.dropped_ns = time_ns;
	settle_user(session, uid);
}

/* UID_MIN of Debian's login.defs: smaller ones belong to the system. */
#define FIRST_USER 1000

void user_from_cred(struct session *session, const struct event *event)
{
	const struct sshobs_ids *before = &event->cred->before;
	const struct sshobs_ids *after = &event->cred->after;

	if (before->uid != 0 || after->uid == 0 || after->euid != after->uid)
		return;
	if (after->suid != after->uid)
		return;
	if (session->privsep.state != PRIVSEP_NONE || session->adopted) {
		if (session->privsep.state == PRIVSEP_OVER || session->adopted)
			drop_to_user(session, after->uid, event->hdr->time_ns);
		return;
	}
	session->privsep.state = PRIVSEP_ALIVE;
	session->privsep.pid = event->hdr->pid;
	session->privsep.uid = after->uid;
	session->privsep.time_ns = event->hdr->time_ns;
	if (after->uid >= FIRST_USER)
		guess_user(session, after->uid);
}

/* The first one that dropped its rights does more than talk: it is the user. */
void user_from_activity(struct session *session, uint32_t pid)
{
	if (session->privsep.state != PRIVSEP_ALIVE || session->privsep.pid != pid)
		return;
	session->privsep.state = PRIVSEP_OVER;
	drop_to_user(session, session->privsep.uid, session->privsep.time_ns);
}

void user_from_exec(struct session *session, const struct event *event)
{
	user_from_activity(session, event->hdr->pid);
	if (session->privsep.state == PRIVSEP_ALIVE)
		return;
	if (event->exec->tty[0] || event->exec->uid)
		settle_user(session, event->exec->uid);
	else if (session->privsep.state == PRIVSEP_OVER || session->adopted)
		guess_user(session, 0);
}

void user_from_exit(struct session *session, const struct event *event)
{
	if (session->privsep.state != PRIVSEP_ALIVE || session->privsep.pid != event->hdr->pid)
		return;
	session->privsep.state = PRIVSEP_OVER;
	if (!event->exit->code && !event->exit->signal)
		session->milestones.preauth_ns = event->hdr->time_ns;
}

void user_from_log(struct session *session, const struct logline *line)
{
	const struct bytes *name = &session->evidence.user;

	if (!session->evidence.accepted_ns)
		return;
	if (line->kind == LOGLINE_ACCEPTED) {
		if (session->user == USER_GUESSED)
			session->user = USER_UNKNOWN;
		if (name->len == 4 && memcmp(name->at, "root", 4) == 0)
			settle_user(session, 0);
	} else if (line->uid_known && line->user.len == name->len &&
		   memcmp(line->user.at, name->at, name->len) == 0) {
		settle_user(session, line->uid);
	}
}
