// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/socket.h>

#include "../kmod/text.h"
#include "blame_words.h"
#include "causes.h"
#include "escape.h"
#include "format.h"

static void put_process(FILE *out, const struct process *process, bool pid)
{
	escape_string(out, process->comm);
	if (pid)
		fprintf(out, "[%u]", process->pid);
}

static void put_path(FILE *out, const struct program *program)
{
	escape_word(out, program->path, program->path_len);
	if (program->path_len < program->path_total)
		fputs("...", out);
}

static void put_acceptor(FILE *out, const struct session *session, bool pid)
{
	escape_string(out, session->acceptor_pid ? session->acceptor_comm : "the server");
	if (session->acceptor_pid && pid)
		fprintf(out, "[%u]", session->acceptor_pid);
}

void blame_put_name(FILE *out, const struct blame *blame, const struct session *session, bool pid)
{
	const struct program *program = blame_program(blame);

	if (blame->whose == WHOSE_CLIENT) {
		fputs(blame->phase->name == PHASE_AUTH ? "the client or its person" : "the client",
		      out);
	} else if (blame->whose == WHOSE_NETWORK) {
		fputs("the network", out);
	} else if (!blame->process) {
		put_acceptor(out, session, pid);
	} else if (program && program_is_motd(program)) {
		fputs("MOTD script ", out);
		put_path(out, program);
	} else if (program && blame->phase->name != PHASE_SHELL) {
		put_path(out, program);
		if (pid)
			fprintf(out, "[%u]", blame->process->pid);
	} else {
		put_process(out, blame->process, pid);
	}
}

void blame_put_peer(FILE *out, const struct event *connect)
{
	char buf[FORMAT_MAX];

	if (connect->connect->peer.family == AF_UNIX)
		escape_word(out, connect->data, connect->connect->path_len);
	else
		fputs(format_endpoint(buf, &connect->connect->peer), out);
}

static void put_network(FILE *out, const struct session *session)
{
	const struct sshobs_established *established = &session->established;
	char rtt[FORMAT_MAX];

	fputs("the network", out);
	if (established->synack_ns)
		fprintf(out, ", rtt %s", format_duration(rtt, established->rtt_us * 1000ULL));
	if (established->syns > 1)
		fprintf(out, ", after %u SYNs", established->syns);
}

static void put_client(FILE *out, const struct blame *blame, const struct session *session)
{
	if (blame->process)
		put_process(out, blame->process, true);
	else
		put_acceptor(out, session, true);
	fputs(" waited for ", out);
	blame_put_name(out, blame, session, true);
}

static void put_queue(FILE *out, const struct blame *blame, const struct session *session)
{
	fputs("the connection was in the accept queue of ", out);
	blame_put_name(out, blame, session, true);
	if (session->backlog)
		fprintf(out, ", %u more with it", session->backlog);
}

static void put_dropped(FILE *out, const struct blame *blame, const struct session *session)
{
	const struct sshobs_established *established = &session->established;

	fprintf(out, "%u SYN%s, %u dropped because the accept queue of ", established->syns,
		established->syns == 1 ? "" : "s", established->syns_dropped);
	blame_put_name(out, blame, session, true);
	fprintf(out, " was full: %u of %u", established->backlog, established->backlog_max);
}

/* What the process did: computed, waited, or would have liked to compute. */
static void put_verb(FILE *out, const struct blame *blame)
{
	char wait[FORMAT_MAX], cpu[FORMAT_MAX];

	format_duration(cpu, blame->cpu_ns);
	if (blame_is_starved(blame)) {
		fprintf(out, " got no CPU for %s",
			format_duration(wait, blame->wall_ns - blame->cpu_ns));
		if (blame->cpu_ns)
			fprintf(out, ", %s of CPU", cpu);
	} else if (blame->cpu_ns >= blame->wall_ns - blame->wall_ns / 5) {
		fprintf(out, " computed, %s of CPU", cpu);
	} else {
		fprintf(out, " waited %s", format_duration(wait, blame->wall_ns - blame->cpu_ns));
		if (blame->cpu_ns)
			fprintf(out, ", %s of CPU", cpu);
	}
}

/* How a connect ended, where nobody was connected. */
static void put_result(FILE *out, const struct sshobs_connect *connect)
{
	const char *name = sshobs_errno_name(connect->error);

	if (connect->flags & SSHOBS_CONNECT_BEGUN)
		return;
	if (connect->flags & SSHOBS_CONNECT_ABANDONED)
		fputs(", which it gave up", out);
	else if (connect->error && name)
		fprintf(out, ": %s", name);
	else if (connect->error)
		fprintf(out, ": errno %u", connect->error);
}

static void put_reason(FILE *out, const struct blame *blame)
{
	if (blame->why == WHY_REFUSED)
		fputs(", after PAM refused a try", out);
	else if (blame->why == WHY_FAILED)
		fputs(", after a failed try: its delay, and the client or its person", out);
	else if (blame->why == WHY_AS_USER)
		fputs(", while it acted as the user", out);
	else if (blame->whose == WHOSE_UNKNOWN && blame->why == WHY_NOTHING)
		fputs(", nothing tells for whom", out);
	if (blame->deepest && 2 * blame->deepest_ns >= blame->wall_ns) {
		fputs(", mostly in ", out);
		if (blame->deepest_n > 1)
			fprintf(out, "%zu runs of ", blame->deepest_n);
		put_process(out, blame->deepest, blame->deepest_n == 1);
	}
	if (blame->connect && 2 * blame->connect_ns >= blame->wall_ns) {
		fputs(blame->why == WHY_CONNECTING ? ", while it connected to " :
						     ", after it connected to ",
		      out);
		blame_put_peer(out, blame->connect);
		if (blame->why == WHY_CONNECTING)
			put_result(out, blame->connect->connect);
		if (blame->whose == WHOSE_UNKNOWN)
			fputs(": for that, or for the client or its person", out);
	}
}

void blame_put(FILE *out, const struct blame *blame, const struct session *session)
{
	char wall[FORMAT_MAX];

	fprintf(out, "%s in %s: ", format_duration(wall, blame->wall_ns),
		phase_name(blame->phase->name));
	if (blame->whose == WHOSE_NETWORK) {
		put_network(out, session);
	} else if (blame->whose == WHOSE_CLIENT) {
		put_client(out, blame, session);
	} else if (blame->why == WHY_QUEUED) {
		put_queue(out, blame, session);
	} else if (blame->why == WHY_DROPPED) {
		put_dropped(out, blame, session);
	} else {
		if (blame->runs > 1)
			fprintf(out, "%zu runs of ", blame->runs);
		blame_put_name(out, blame, session, blame->runs == 1);
		put_verb(out, blame);
		put_reason(out, blame);
	}
	if (blame->cause)
		fprintf(out, " (%s)", blame->cause);
}
