// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "logline.h"
#include "why.h"

/* The line to the log is no service that a login waits for. */
static bool is_log_socket(const struct event *event)
{
	static const char *const paths[] = { "/dev/log", "/run/systemd/journal/dev-log" };
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (event->connect->path_len == strlen(paths[i]) &&
		    memcmp(event->data, paths[i], strlen(paths[i])) == 0)
			return true;
	return false;
}

/*
 * UDP that is connected to see which address it would be sent from: getaddrinfo() does
 * so to put its answers in order, sshd to the port that it listens on.
 */
static bool is_probe(const struct session *session, const struct event *event)
{
	static const unsigned char any[16];
	const struct sshobs_endpoint *peer = &event->connect->peer;

	return event->connect->protocol == IPPROTO_UDP &&
	       (!peer->port || peer->port == session->endpoints.local.port ||
		memcmp(peer->addr, any, sizeof(any)) == 0);
}

static enum why why_after_connect(const struct session *session, const struct event *event)
{
	uint32_t error = event->connect->error;

	if (event_is_begun(event) ||
	    event->connect->flags & (SSHOBS_CONNECT_ABANDONED | SSHOBS_CONNECT_UNSENT))
		return WHY_NOTHING;
	if (event->connect->peer.family == AF_UNIX ? is_log_socket(event) :
						     is_probe(session, event))
		return WHY_NOTHING;
	return !error || error == EINPROGRESS || error == EAGAIN ? WHY_CONNECTED : WHY_NOTHING;
}

static enum why why_after_log(const struct event *event)
{
	static const char refused[] = "authentication failure", failed[] = "Failed ";
	struct part message = logline_message(event->data, event->log->text_len);

	if (memmem(message.at, message.len, refused, strlen(refused)))
		return WHY_REFUSED;
	if (message.len >= strlen(failed) && memcmp(message.at, failed, strlen(failed)) == 0)
		return WHY_FAILED;
	return WHY_NOTHING;
}

/* What an event tells of the silence after it. */
static enum why why_after(const struct session *session, const struct event *event)
{
	switch (event->hdr->type) {
	case SSHOBS_CONNECT:
		return why_after_connect(session, event);
	case SSHOBS_CRED:
		return event->cred->after.euid && !event->cred->after.uid ? WHY_AS_USER :
									    WHY_NOTHING;
	case SSHOBS_LOG:
		return why_after_log(event);
	}
	return WHY_NOTHING;
}

/* It returned at once: the time until that was told is no waiting for it. */
static bool is_unsent(const struct event *event)
{
	return event->connect->flags & SSHOBS_CONNECT_UNSENT;
}

static bool is_in_connect(const struct event *event, uint64_t time_ns)
{
	return event->hdr->type == SSHOBS_CONNECT && !is_unsent(event) &&
	       event->hdr->time_ns - event->connect->duration_ns <= time_ns;
}

/* A connect to nobody: its end, or the begin that stands before that. */
static bool is_failed_connect(const struct event *event)
{
	return event->hdr->type == SSHOBS_CONNECT &&
	       (event->connect->error || event->connect->flags);
}

/* A connect that goes on, at least until the next event of its process. */
static bool is_pending(const struct replay *replay, size_t i)
{
	const struct event *kept = replay->session->kept;
	size_t next = replay->moments[i].next;

	return event_is_begun(&kept[i]) &&
	       !(next != NO_EVENT && event_ends(&kept[next], &kept[i]) && is_unsent(&kept[next]));
}

/* What an event and those of its process before it tell of the silence after it. */
static enum why why_since(const struct replay *replay, size_t i, const struct event **connect)
{
	const struct event *event = &replay->session->kept[i];
	enum why why = is_pending(replay, i) ? WHY_CONNECTING : why_after(replay->session, event);

	if (why == WHY_CONNECTED || why == WHY_CONNECTING)
		*connect = event;
	/* Between PAM's line and its delay, connects to nobody do not matter. */
	while (why == WHY_NOTHING && is_failed_connect(event)) {
		i = replay->moments[i].previous;
		if (i == NO_EVENT)
			break;
		event = &replay->session->kept[i];
		if (event->hdr->type == SSHOBS_LOG)
			why = why_after_log(event);
	}
	return why;
}

/* PAM's helper has just said no. Not each time that it does so PAM logs a line. */
static bool helper_refused(const struct replay *replay)
{
	static const char name[] = "unix_chkpwd";
	const struct event *kept = replay->session->kept;
	size_t i = replay->at;

	while (i && is_failed_connect(&kept[i - 1]))
		i--;
	return i && kept[i - 1].hdr->type == SSHOBS_EXIT && kept[i - 1].exit->code &&
	       strncmp(kept[i - 1].hdr->comm, name, sizeof(kept[i - 1].hdr->comm)) == 0;
}

static enum why why_of_server(const struct replay *replay, const struct event **connect)
{
	if (helper_refused(replay))
		return WHY_REFUSED;
	return replay->newest == NO_EVENT ? WHY_NOTHING :
					    why_since(replay, replay->newest, connect);
}

enum why why_find(const struct replay *replay, const struct actor *actor, uint64_t time_ns,
		  const struct event **connect)
{
	const struct event *kept = replay->session->kept;
	enum why why = WHY_NOTHING;

	*connect = NULL;
	if (actor->next != NO_EVENT && is_in_connect(&kept[actor->next], time_ns)) {
		*connect = &kept[actor->next];
		return WHY_CONNECTING;
	}
	if (actor->last != NO_EVENT)
		why = why_since(replay, actor->last, connect);
	if (!actor_is_server(actor))
		return *connect ? why : WHY_NOTHING;
	return why == WHY_NOTHING ? why_of_server(replay, connect) : why;
}

static bool same_peer(const struct replay *replay, size_t a, size_t b)
{
	const struct event *kept = replay->session->kept;

	return a != NO_EVENT && b != NO_EVENT && kept[a].hdr->type == SSHOBS_CONNECT &&
	       kept[b].hdr->type == SSHOBS_CONNECT && connect_is_same(&kept[a], &kept[b]);
}

/* The event of a process before a connect; one of TCP has a begin that does not count. */
static size_t before_connect(const struct replay *replay, size_t i)
{
	const struct event *kept = replay->session->kept;
	size_t previous = replay->moments[i].previous;

	if (previous != NO_EVENT && event_is_begun(&kept[previous]) &&
	    event_ends(&kept[i], &kept[previous]))
		return replay->moments[previous].previous;
	return previous;
}

bool why_is_retried(const struct replay *replay, const struct actor *actor)
{
	if (actor->last == NO_EVENT)
		return false;
	return same_peer(replay, actor->last, actor->next) ||
	       same_peer(replay, actor->last, before_connect(replay, actor->last));
}
