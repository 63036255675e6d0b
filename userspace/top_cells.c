// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "outcome.h"
#include "phases.h"
#include "top_cells.h"
#include "view_tree.h"

/* Bytes of a name that the client typed; more would push the rest off the screen. */
#define NAME_MAX_SHOWN 16

typedef unsigned long long ull;

static enum tint put_unknown(FILE *out)
{
	fputc('-', out);
	return TINT_DIM;
}

/* In at most 5 columns: "1023", "9.9K", "1023K", "1.2M". */
static void put_size(FILE *out, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	size_t unit = 0;
	uint64_t tenths;

	if (bytes < 1024) {
		fprintf(out, "%llu", (ull)bytes);
		return;
	}
	while (bytes >= 1024 * 1024) {
		bytes /= 1024;
		unit++;
	}
	tenths = bytes * 10 / 1024;
	if (tenths < 100)
		fprintf(out, "%llu.%llu%c", (ull)(tenths / 10), (ull)(tenths % 10), units[unit]);
	else
		fprintf(out, "%llu%c", (ull)(tenths / 10), units[unit]);
}

/* In at most 6 columns: "512us", "12.3ms", "345ms", "1.2s". */
static void put_rtt(FILE *out, uint64_t us)
{
	if (us < 1000)
		fprintf(out, "%lluus", (ull)us);
	else if (us < 100000)
		fprintf(out, "%llu.%llums", (ull)(us / 1000), (ull)(us / 100 % 10));
	else if (us < 1000000)
		fprintf(out, "%llums", (ull)(us / 1000));
	else
		fprintf(out, "%llu.%llus", (ull)(us / 1000000), (ull)(us / 100000 % 10));
}

/* In at most 6 columns: "59s", "3m12s", "2h05m", "31d04h". */
static void put_idle(FILE *out, uint64_t s)
{
	if (s < 60)
		fprintf(out, "%llus", (ull)s);
	else if (s < 3600)
		fprintf(out, "%llum%02llus", (ull)(s / 60), (ull)(s % 60));
	else if (s < 86400)
		fprintf(out, "%lluh%02llum", (ull)(s / 3600), (ull)(s / 60 % 60));
	else
		fprintf(out, "%llud%02lluh", (ull)(s / 86400), (ull)(s / 3600 % 24));
}

static enum tint share_tint(uint64_t permille)
{
	return permille >= 900 ? TINT_BAD : permille >= 700 ? TINT_WARN : TINT_NONE;
}

/* A process that has more than it may has lowered its own limit, as sshd's sandbox does. */
static bool fds_share(const struct process_reading *reading, uint64_t *permille)
{
	if (!reading || !reading->fds_soft || reading->fds > reading->fds_soft)
		return false;
	if (reading->fds_soft == SSHOBS_UNLIMITED)
		return false;
	*permille = (uint64_t)((double)reading->fds * 1000 / (double)reading->fds_soft);
	return true;
}

bool top_fds_permille(const struct session *session, const struct readings *readings,
		      uint64_t *permille)
{
	const struct process *process;
	bool known = false;
	uint64_t one;

	*permille = 0;
	for (process = session->live; process; process = process->hh.next) {
		if (!fds_share(readings_of_process(readings, process), &one))
			continue;
		known = true;
		if (one > *permille)
			*permille = one;
	}
	return known;
}

static enum tint put_id(FILE *out, const struct cell_source *source)
{
	fprintf(out, "%llu", (ull)source->session->id);
	return TINT_BOLD;
}

/* As the server's log has it: the client chose it, unless it was accepted. */
static enum tint put_user(FILE *out, const struct cell_source *source)
{
	const struct session *session = source->session;
	struct bytes name = model_user_name(session);
	char buf[FORMAT_MAX];
	uint32_t uid;

	if (name.at) {
		escape_put(out, name.at, name.len > NAME_MAX_SHOWN ? NAME_MAX_SHOWN : name.len);
		fputs(name.len > NAME_MAX_SHOWN ? "+" : "", out);
		return session->evidence.accepted_ns ? TINT_NONE : TINT_DIM;
	}
	if (!model_user(session, &uid))
		return put_unknown(out);
	escape_string(out, format_user(buf, uid, source->local));
	fputs(model_user_is_guess(session) ? "?" : "", out);
	return TINT_NONE;
}

static enum tint put_peer(FILE *out, const struct cell_source *source)
{
	char buf[FORMAT_MAX];

	format_address(buf, &source->session->endpoints.peer);
	if (!buf[0])
		return put_unknown(out);
	fputs(buf, out);
	return TINT_NAME;
}

static enum tint put_port(FILE *out, const struct cell_source *source)
{
	if (!source->session->endpoints.peer.family)
		return put_unknown(out);
	fprintf(out, "%u", source->session->endpoints.peer.port);
	return TINT_NAME;
}

/* The terminal of the oldest process that has one. */
static enum tint put_tty(FILE *out, const struct cell_source *source)
{
	const struct process *process;

	for (process = source->session->live; process; process = process->hh.next) {
		if (!process->tty[0])
			continue;
		escape_string(out, process->tty);
		return TINT_NONE;
	}
	return put_unknown(out);
}

/* The phase that the login is in, which is in @login; NULL once it is over. */
static const struct phase *phase_of(const struct cell_source *source, struct login *login)
{
	if (source->settled)
		return NULL;
	phases_cut(source->model, source->session, login);
	return login->n && login->end == LOGIN_GOING_ON ? &login->phases[login->n - 1] : NULL;
}

/* The phase that the login is in; else what it is used for. */
static enum tint put_state(FILE *out, const struct cell_source *source)
{
	const struct phase *phase;
	struct login login;

	if (source->session->state == SESSION_CLOSED) {
		fputs("closed", out);
		return TINT_WARN;
	}
	phase = phase_of(source, &login);
	if (phase) {
		fputs(phase_name(phase->last), out);
		fputs(phase->name == PHASE_UNKNOWN ? "?" : "", out);
		return TINT_WARN;
	}
	fputs(source->outcome == OUTCOME_SUBSYSTEM ? "sftp" : outcome_name(source->outcome), out);
	return source->outcome == OUTCOME_UNKNOWN ? TINT_WARN : TINT_GOOD;
}

static const struct session_reading *tcp_of(const struct cell_source *source)
{
	const struct session_reading *reading =
		readings_of_session(source->readings, source->session);

	return reading && reading->has_tcp ? reading : NULL;
}

static enum tint put_rtt_cell(FILE *out, const struct cell_source *source)
{
	const struct session_reading *reading = tcp_of(source);

	if (!reading)
		return put_unknown(out);
	put_rtt(out, reading->rtt_us);
	return TINT_NONE;
}

static enum tint put_retrans(FILE *out, const struct cell_source *source)
{
	const struct session_reading *reading = tcp_of(source);

	if (!reading)
		return put_unknown(out);
	fprintf(out, "%u", reading->retrans);
	return reading->retrans ? TINT_WARN : TINT_NONE;
}

static enum tint put_in(FILE *out, const struct cell_source *source)
{
	const struct session_reading *reading = tcp_of(source);

	if (!reading)
		return put_unknown(out);
	put_size(out, reading->bytes_in);
	return TINT_NONE;
}

static enum tint put_out(FILE *out, const struct cell_source *source)
{
	const struct session_reading *reading = tcp_of(source);

	if (!reading)
		return put_unknown(out);
	put_size(out, reading->bytes_out);
	return TINT_NONE;
}

static enum tint put_idle_cell(FILE *out, const struct cell_source *source)
{
	const struct session_reading *reading = tcp_of(source);

	if (!reading)
		return put_unknown(out);
	put_idle(out, reading->idle_ms / 1000);
	return TINT_NONE;
}

static enum tint put_procs(FILE *out, const struct cell_source *source)
{
	fprintf(out, "%u", HASH_COUNT(source->session->live));
	return TINT_NONE;
}

static enum tint put_fds(FILE *out, const struct cell_source *source)
{
	uint64_t permille;

	if (!top_fds_permille(source->session, source->readings, &permille))
		return put_unknown(out);
	if (permille < 100)
		fprintf(out, "%llu.%llu%%", (ull)(permille / 10), (ull)(permille % 10));
	else
		fprintf(out, "%llu%%", (ull)(permille / 10));
	return share_tint(permille);
}

/* A process of the group in the foreground, its leader if that is still there. */
static const struct process *in_foreground(const struct cell_source *source)
{
	const struct session_reading *reading =
		readings_of_session(source->readings, source->session);
	const struct process *process;

	if (!reading || !reading->foreground)
		return NULL;
	process = model_find_process(source->session, reading->foreground);
	if (process)
		return process;
	for (process = source->session->live; process; process = process->hh.next) {
		const struct process_reading *read = readings_of_process(source->readings, process);

		if (read && read->pgid == reading->foreground)
			return process;
	}
	return NULL;
}

/*
 * What the user does: what is in the foreground of the terminal; where that is not known,
 * the newest on a terminal; without one, the first that the server started.
 */
static const struct process *what_runs(const struct cell_source *source)
{
	const struct process *process, *newest = NULL, *first = NULL;

	process = in_foreground(source);
	if (process)
		return process;
	for (process = source->session->live; process; process = process->hh.next) {
		if (process->tty[0])
			newest = process;
		if (process->role == ROLE_PROGRAM && !first)
			first = process;
	}
	return newest ?: first ?: source->session->live;
}

static enum tint put_what(FILE *out, const struct cell_source *source)
{
	const struct process *process = what_runs(source);

	return process ? view_command(out, process) : put_unknown(out);
}

static const struct process_reading *reading_of(const struct cell_source *source)
{
	return readings_of_process(source->readings, source->process);
}

static enum tint put_pid(FILE *out, const struct cell_source *source)
{
	fprintf(out, "%u", source->process->pid);
	return TINT_NONE;
}

static enum tint put_owner(FILE *out, const struct cell_source *source)
{
	const struct process_reading *reading = reading_of(source);
	char buf[FORMAT_MAX];

	if (!reading && !source->process->uid_known)
		return put_unknown(out);
	escape_string(out, format_user(buf, reading ? reading->uid : source->process->uid,
				       source->local));
	return TINT_NONE;
}

static enum tint put_letter(FILE *out, const struct cell_source *source)
{
	const struct process_reading *reading = reading_of(source);

	if (!reading)
		return put_unknown(out);
	escape_put(out, &reading->state, 1);
	return reading->state == 'R' ? TINT_GOOD :
	       reading->state == 'D' ? TINT_WARN :
	       reading->state == 'Z' ? TINT_BAD :
				       TINT_NONE;
}

static enum tint put_cpu(FILE *out, const struct cell_source *source)
{
	const struct process_reading *reading = reading_of(source);

	if (!reading)
		return put_unknown(out);
	fprintf(out, "%u.%u", reading->cpu_permille / 10, reading->cpu_permille % 10);
	return TINT_NONE;
}

static enum tint put_rss(FILE *out, const struct cell_source *source)
{
	const struct process_reading *reading = reading_of(source);

	if (!reading)
		return put_unknown(out);
	put_size(out, reading->rss_kb * 1024);
	return TINT_NONE;
}

static enum tint put_open(FILE *out, const struct cell_source *source)
{
	const struct process_reading *reading = reading_of(source);
	uint64_t permille = 0;

	if (!reading)
		return put_unknown(out);
	if (reading->fds_soft == SSHOBS_UNLIMITED)
		fprintf(out, "%llu/-", (ull)reading->fds);
	else
		fprintf(out, "%llu/%llu", (ull)reading->fds, (ull)reading->fds_soft);
	return fds_share(reading, &permille) ? share_tint(permille) : TINT_NONE;
}

static enum tint put_command(FILE *out, const struct cell_source *source)
{
	fputs(source->tree, out);
	return view_command(out, source->process);
}

typedef enum tint (*fill_cell)(FILE *out, const struct cell_source *source);

static void fill_cells(struct top_cell *cells, const struct cell_source *source,
		       const fill_cell *fills, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		size_t size;
		FILE *out = open_memstream(&cells[i].text, &size);

		if (!out) {
			cells[i].text = NULL;
			continue;
		}
		cells[i].tint = fills[i](out, source);
		if (fclose(out) == 0)
			continue;
		free(cells[i].text);
		cells[i].text = NULL;
	}
}

void top_session_cells(struct top_cell *cells, const struct cell_source *source)
{
	static const fill_cell fills[N_SESSION_CELLS] = {
		[CELL_ID] = put_id,	   [CELL_USER] = put_user,	 [CELL_PEER] = put_peer,
		[CELL_PORT] = put_port,	   [CELL_TTY] = put_tty,	 [CELL_STATE] = put_state,
		[CELL_RTT] = put_rtt_cell, [CELL_RETRANS] = put_retrans, [CELL_IN] = put_in,
		[CELL_OUT] = put_out,	   [CELL_IDLE] = put_idle_cell,	 [CELL_PROCS] = put_procs,
		[CELL_FDS] = put_fds,	   [CELL_WHAT] = put_what,
	};

	fill_cells(cells, source, fills, N_SESSION_CELLS);
}

void top_process_cells(struct top_cell *cells, const struct cell_source *source)
{
	static const fill_cell fills[N_PROCESS_CELLS] = {
		[CELL_PID] = put_pid,	      [CELL_OWNER] = put_owner, [CELL_LETTER] = put_letter,
		[CELL_CPU] = put_cpu,	      [CELL_RSS] = put_rss,	[CELL_OPEN] = put_open,
		[CELL_COMMAND] = put_command,
	};

	fill_cells(cells, source, fills, N_PROCESS_CELLS);
}
