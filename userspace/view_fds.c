// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "format.h"
#include "escape.h"
#include "inspect.h"
#include "inspect_words.h"
#include "json_build.h"
#include "term.h"
#include "view_tcp.h"

/* What a cell is made from. */
struct row {
	const struct links *links;
	size_t process;
	const struct snapshot_fd *fd;
};

static void put_fd(FILE *out, const struct row *row)
{
	fprintf(out, "%u", row->fd->fd->fd);
}

static void put_access(FILE *out, const struct row *row)
{
	fputs(name_of_access(row->fd->fd->flags), out);
}

static void put_pos(FILE *out, const struct row *row)
{
	if (row->fd->fd->kind == SSHOBS_FD_FILE)
		fprintf(out, "%" PRIu64, (uint64_t)row->fd->fd->pos);
}

static void put_flags(FILE *out, const struct row *row)
{
	words_flags(out, row->fd->fd->flags);
}

static void put_inet(FILE *out, const struct sshobs_fd *fd)
{
	const char *protocol = name_of_protocol(fd->protocol);
	char end[FORMAT_MAX];

	if (protocol)
		fprintf(out, " %s", protocol);
	else
		fprintf(out, " protocol %u", fd->protocol);
	fprintf(out, " %s", format_endpoint(end, &fd->local));
	if (fd->peer.family)
		fprintf(out, " <-> %s", format_endpoint(end, &fd->peer));
	fputc(' ', out);
	words_state(out, fd->state);
}

static void put_unix(FILE *out, const struct snapshot_fd *fd)
{
	const char *type = name_of_type(fd->fd->type);

	fprintf(out, " unix %s", type ?: "?");
	if (fd->local_name.len) {
		fputc(' ', out);
		words_unix_name(out, &fd->local_name);
	}
	fputc(' ', out);
	words_state(out, fd->fd->state);
	if (!fd->fd->peer_ino && !fd->peer_name.len)
		return;
	fputs(" <->", out);
	if (fd->fd->peer_ino)
		fprintf(out, " socket:[%" PRIu64 "]", (uint64_t)fd->fd->peer_ino);
	if (fd->peer_name.len) {
		fputc(' ', out);
		words_unix_name(out, &fd->peer_name);
	}
}

/* One who holds the other end of a link, and how many more there are. */
static void put_peer(FILE *out, const struct links *links, const struct link_end *end)
{
	size_t others = 0, i;

	for (i = 1; i < end->n; i++)
		others += end->holders[i].process != end->holders[i - 1].process;
	fputs(", ", out);
	words_process(out, links->processes[end->holders[0].process].task);
	fprintf(out, " fd %u", end->holders[0].fd->fd->fd);
	if (others)
		fprintf(out, " and %zu more", others);
}

/* Who holds the other end of what the descriptor is an end of. */
static void put_peers(FILE *out, const struct row *row)
{
	const struct links *links = row->links;
	size_t i, at;
	int end;

	for (i = 0; i < links->n; i++) {
		for (end = 0; end < 2; end++) {
			const struct link_end *here = &links->links[i].ends[end];
			const struct link_end *there = &links->links[i].ends[!end];

			for (at = 0; at < here->n && here->holders[at].fd != row->fd; at++)
				;
			if (at < here->n && there->n)
				put_peer(out, links, there);
		}
	}
}

static void put_name(FILE *out, const struct row *row)
{
	const struct sshobs_fd *fd = row->fd->fd;
	const char *family = name_of_family(fd->family);

	escape_put(out, row->fd->path.data, row->fd->path.len);
	if (fd->kind == SSHOBS_FD_PTMX && fd->pts != SSHOBS_NO_PTS)
		fprintf(out, " (pts/%u)", fd->pts);
	if (fd->kind != SSHOBS_FD_SOCKET) {
		put_peers(out, row);
		return;
	}
	if (fd->family == AF_INET || fd->family == AF_INET6)
		put_inet(out, fd);
	else if (fd->family == AF_UNIX)
		put_unix(out, row->fd);
	else if (family)
		fprintf(out, " %s, protocol %u", family, fd->protocol);
	else
		fprintf(out, " family %u, protocol %u", fd->family, fd->protocol);
	put_peers(out, row);
}

/* clang-format off */
static const struct fd_column {
	struct column column;
	void (*fill)(FILE *out, const struct row *row);
	enum tint tint;
} columns[] = {
	{ { "FD",	1,	SCOLS_FL_RIGHT },	put_fd,		TINT_BOLD },
	{ { "MODE",	1,	0 },			put_access,	TINT_NONE },
	{ { "POS",	1,	SCOLS_FL_RIGHT },	put_pos,	TINT_NONE },
	{ { "FLAGS",	1,	0 },			put_flags,	TINT_DIM },
	{ { "NAME",	0.5,	SCOLS_FL_WRAP },	put_name,	TINT_NONE },
};
/* clang-format on */

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static int put_row(struct libscols_line *line, const struct row *row)
{
	size_t i;

	if (!line)
		return -ENOMEM;
	for (i = 0; i < N_COLUMNS; i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		if (!out)
			return -ENOMEM;
		columns[i].fill(out, row);
		if (fclose(out) == 0)
			table_cell(line, i, text, columns[i].tint);
		free(text);
	}
	return 0;
}

int view_fds(const struct links *links, size_t process)
{
	const struct snapshot *snapshot = &links->processes[process];
	struct row row = { links, process, NULL };
	struct libscols_table *table;
	struct column heads[N_COLUMNS];
	size_t i;
	int err = 0;

	for (i = 0; i < N_COLUMNS; i++)
		heads[i] = columns[i].column;
	table = table_new(heads, N_COLUMNS);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < snapshot->fds_count && !err; i++) {
		row.fd = &snapshot->fds[i];
		err = put_row(scols_table_new_line(table, NULL), &row);
	}
	if (!err)
		return table_print(table);
	scols_unref_table(table);
	return err;
}

/* --- JSON ----------------------------------------------------------------------- */

/* As the kernel encodes st_dev for stat(2): 12 bits of major, 20 of minor. */
static void add_dev(struct json_object *object, const char *major, const char *minor, uint32_t dev)
{
	json_add_u64(object, major, dev >> 8 & 0xfff);
	json_add_u64(object, minor, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static void add_unix(struct json_object *object, const struct snapshot_fd *fd)
{
	if (fd->local_name.len)
		json_add_bytes(object, "local_name", fd->local_name.data, fd->local_name.len);
	else
		json_add(object, "local_name", NULL);
	if (fd->peer_name.len)
		json_add_bytes(object, "peer_name", fd->peer_name.data, fd->peer_name.len);
	else
		json_add(object, "peer_name", NULL);
	if (fd->fd->peer_ino)
		json_add_u64(object, "peer_ino", fd->fd->peer_ino);
	else
		json_add(object, "peer_ino", NULL);
}

static void add_socket(struct json_object *object, const struct snapshot_fd *fd)
{
	const struct sshobs_fd *socket = fd->fd;
	bool inet = socket->family == AF_INET || socket->family == AF_INET6;

	json_add_symbol(object, "family", name_of_family(socket->family), socket->family);
	json_add_symbol(object, "type", name_of_type(socket->type), socket->type);
	json_add_symbol(object, "protocol", inet ? name_of_protocol(socket->protocol) : NULL,
			socket->protocol);
	json_add_symbol(object, "state", name_of_state(socket->state), socket->state);
	if (inet) {
		json_add_endpoints(object, &socket->peer, &socket->local);
		json_add_u64(object, "cookie", socket->cookie);
	} else if (socket->family == AF_UNIX) {
		add_unix(object, fd);
	}
	if (fd->tcp_info.len)
		json_add(object, "tcp_info", view_tcp_json(fd));
}

static struct json_object *fd_object(const struct snapshot_fd *fd)
{
	struct json_object *object = json_object_new_object();

	json_add_u64(object, "fd", fd->fd->fd);
	json_add_symbol(object, "kind", name_of_kind(fd->fd->kind), fd->fd->kind);
	json_add_bytes(object, "path", fd->path.data, fd->path.len);
	json_add_u64(object, "mode", fd->fd->mode);
	json_add_u64(object, "flags", fd->fd->flags);
	json_add_u64(object, "pos", fd->fd->pos);
	json_add_u64(object, "ino", fd->fd->ino);
	add_dev(object, "dev_major", "dev_minor", fd->fd->dev);
	add_dev(object, "rdev_major", "rdev_minor", fd->fd->rdev);
	if (fd->fd->pts == SSHOBS_NO_PTS)
		json_add(object, "pts", NULL);
	else
		json_add_u64(object, "pts", fd->fd->pts);
	if (fd->fd->kind == SSHOBS_FD_SOCKET)
		add_socket(object, fd);
	return object;
}

struct json_object *view_fds_json(const struct snapshot *snapshot)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < snapshot->fds_count; i++)
		json_object_array_add(array, fd_object(&snapshot->fds[i]));
	return array;
}
