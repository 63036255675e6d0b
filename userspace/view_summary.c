// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "term.h"
#include "view_limits.h"
#include "view_outcome.h"
#include "view_timeline.h"

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

static void print_uid(const struct session *session, const struct origin *origin)
{
	char name[FORMAT_MAX];
	uint32_t uid;

	if (!model_user(session, &uid)) {
		puts("unknown");
		return;
	}
	escape_string(stdout, format_user(name, uid, origin->local));
	if (strspn(name, "0123456789") < strlen(name))
		printf(" (uid %u)", uid);
	if (model_user_is_guess(session))
		printf("?");
	putchar('\n');
}

static void print_user(const struct session *session, const struct origin *origin)
{
	struct bytes name = model_user_name(session);
	uint32_t uid;

	print_key("User");
	if (!name.at) {
		print_uid(session, origin);
		return;
	}
	escape_put(stdout, name.at, name.len);
	if (session->evidence.invalid_user)
		printf(" (no such user)");
	else if (!session->evidence.accepted_ns)
		printf(" (not authenticated)");
	else if (model_user(session, &uid))
		printf(" (uid %u)", uid);
	putchar('\n');
}

static void print_state(const struct model *model, const struct session *session)
{
	static const char *const states[] = {
		[SESSION_UP] = "up for",
		[SESSION_CLOSED] = "connection closed, processes live on, for",
		[SESSION_ENDED] = "ended after",
		[SESSION_REFUSED] = "refused after",
	};
	char buf[FORMAT_MAX];

	print_key("State");
	printf("%s %s\n", states[session->state],
	       format_duration(buf, since(model_ends_ns(model, session), session->start_ns)));
}

/* What model_begins_ns() is the time of. */
static const char *first_moment(const struct session *session)
{
	const struct sshobs_established *established = &session->established;

	if (session->handshake && established->syn_ns)
		return "the SYN";
	if (session->handshake && established->synack_ns)
		return "the SYN-ACK";
	return session->handshake || session->queue_ns ? "the handshake" : "accept";
}

static void print_prompt(const struct session *session)
{
	char buf[FORMAT_MAX];
	uint64_t ns;

	if (!session->prompt_ns)
		return;
	print_key("Prompt");
	if (model_time_to_prompt(session, &ns))
		printf("%s%s after %s%s, ", term_tint(TINT_BOLD), format_duration(buf, ns),
		       first_moment(session), term_tint(TINT_NONE));
	printf("pid %u on pts/%u\n", session->prompt_pid, session->prompt_pts);
}

static void print_counts(const struct session *session)
{
	print_key("Processes");
	printf("%u, %u exec%s", session->n_processes, session->n_execs,
	       session->n_execs == 1 ? "" : "s");
	if (session->misses)
		printf(", %u PATH miss%s", session->misses, session->misses == 1 ? "" : "es");
	if (session->exec_fails > session->misses)
		printf(", %u other failed exec%s", session->exec_fails - session->misses,
		       session->exec_fails - session->misses == 1 ? "" : "s");
	if (session->clone_fails)
		printf(", %s%u failed fork%s%s", term_tint(TINT_BAD), session->clone_fails,
		       session->clone_fails == 1 ? "" : "s", term_tint(TINT_NONE));
	putchar('\n');
}

static void print_cuts(const struct session *session)
{
	if (session->cuts)
		printf("%u command line%s cut", session->cuts,
		       session->cuts == 1 ? " is" : "s are");
	if (session->log_cuts)
		printf("%s%u line%s of the log cut", session->cuts ? "; " : "", session->log_cuts,
		       session->log_cuts == 1 ? " is" : "s are");
}

static void print_reason(const struct session *session, uint32_t reason)
{
	switch (reason) {
	case SSHOBS_INCOMPLETE_ADOPTED:
		printf("it was up before the module was loaded");
		break;
	case SSHOBS_INCOMPLETE_TASKS:
		printf("a process was not followed (max_tasks, no memory, or connections of others)");
		break;
	case SSHOBS_INCOMPLETE_MISSED:
		printf("the kernel skipped a probe");
		break;
	case SSHOBS_INCOMPLETE_UNWATCHED:
		printf("some failures were not watched");
		break;
	case SSHOBS_INCOMPLETE_DROPPED:
		printf("a record found no room in the ring");
		break;
	case SSHOBS_INCOMPLETE_WIRE:
		printf("some of the clear text is not told");
		break;
	case SSHOBS_INCOMPLETE_READING:
		printf("its processes were not read at a prompt");
		break;
	case INCOMPLETE_START:
		printf("its beginning is no longer there");
		break;
	case INCOMPLETE_MISSING:
		printf("%llu record%s missing", (unsigned long long)session->missing,
		       session->missing == 1 ? " is" : "s are");
		break;
	case INCOMPLETE_LOST:
		printf("records were lost since its last one");
		break;
	case INCOMPLETE_CUT:
		print_cuts(session);
		break;
	default:
		printf("reason %#x", reason);
	}
}

static void print_complete(const struct model *model, const struct session *session)
{
	uint32_t reasons = model_incomplete(model, session);
	const char *separator = "no: ";
	unsigned int bit;

	print_key("Complete");
	if (!reasons) {
		puts("yes");
		return;
	}
	fputs(term_tint(TINT_WARN), stdout);
	for (bit = 0; bit < 32; bit++) {
		if (!(reasons >> bit & 1))
			continue;
		fputs(separator, stdout);
		print_reason(session, 1U << bit);
		separator = "; ";
	}
	printf("%s\n", term_tint(TINT_NONE));
}

void view_summary(const struct model *model, const struct session *session,
		  const struct origin *origin)
{
	char peer[FORMAT_MAX], local[FORMAT_MAX], when[FORMAT_MAX];

	printf("%sSession %llu on ", term_tint(TINT_BOLD), (unsigned long long)session->id);
	escape_string(stdout, origin->host);
	printf("%s\n", term_tint(TINT_NONE));
	print_user(session, origin);
	print_key("Peer");
	printf("%s -> %s\n", format_endpoint(peer, &session->endpoints.peer),
	       format_endpoint(local, &session->endpoints.local));
	print_key(session->born ? "Started" : "First seen");
	puts(format_day(when, (int64_t)(session->start_ns + (uint64_t)origin->realtime_offset_ns)));
	print_state(model, session);
	view_outcome_summary(session);
	view_limits_summary(session);
	print_prompt(session);
	print_counts(session);
	print_complete(model, session);
}
