// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "snapshot.h"

/* What is enough for most; a longer answer says how long it is. */
#define FIRST_SIZE 16384

/* How often a table that grows meanwhile is asked for again. */
#define TRIES 32

/* Zeros after an answer: what stands at its end is a string. */
#define SLACK 8

/* Ask for one part, with a buffer of @size bytes that @ask gets the address of. */
static int ask_once(int device, struct sshobs_snapshot *ask, size_t size, void **buffer)
{
	free(*buffer);
	*buffer = malloc(size + SLACK);
	if (!*buffer)
		return -ENOMEM;
	ask->buf = (uintptr_t)*buffer;
	ask->buf_len = (uint32_t)size;
	ask->flags = 0;
	ask->len = 0;
	return ioctl(device, SSHOBS_IOC_SNAPSHOT, ask) ? -errno : 0;
}

/* Ask until the answer fits; @ask then holds how long it is. */
static int ask_for(int device, struct sshobs_snapshot *ask, void **buffer)
{
	size_t size = FIRST_SIZE;
	int tries, err;

	for (tries = 0; tries < TRIES; tries++) {
		err = ask_once(device, ask, size, buffer);
		if (err != -EOVERFLOW && err != -EAGAIN)
			break;
		if (ask->len > UINT32_MAX / 2)
			return -EOVERFLOW;
		/* It may have grown since. */
		if (ask->len > size)
			size = ask->len + ask->len / 8 + FIRST_SIZE;
	}
	if (err)
		return err;
	if (ask->len > size)
		return -EPROTO;
	memset((char *)*buffer + ask->len, 0, SLACK);
	return 0;
}

static int take_part(struct snapshot *snapshot, int device, struct sshobs_snapshot *ask,
		     enum sshobs_snapshot_what what, struct blob *part)
{
	void **buffer = &snapshot->buffers[what - 1];
	int err;

	ask->what = what;
	err = ask_for(device, ask, buffer);
	if (err)
		return err;
	part->data = *buffer;
	part->len = ask->len;
	if (ask->flags & SSHOBS_SNAPSHOT_CUT)
		snapshot->cut |= SNAPSHOT_PART(what);
	return 0;
}

static int parse_task(struct snapshot *snapshot, const struct blob *answer)
{
	const struct sshobs_task_info *task = (const void *)answer->data;
	char *exe = snapshot->buffers[SSHOBS_SNAPSHOT_TASK - 1];

	if (answer->len < sizeof(*task) || task->len < sizeof(*task) || task->len > answer->len ||
	    task->exe_len > task->len - sizeof(*task))
		return -EPROTO;
	snapshot->task = task;
	exe += offsetof(struct sshobs_task_info, exe);
	exe[task->exe_len] = '\0';
	snapshot->exe.data = exe;
	snapshot->exe.len = task->exe_len;
	return 0;
}

/* The next part of a descriptor's data, which begins at *@at; NULL if it is not inside. */
static const char *next_part(const struct sshobs_fd *fd, uint64_t *at, uint32_t len)
{
	uint64_t begin = *at;

	if (begin + len > fd->len - sizeof(*fd))
		return NULL;
	*at = (begin + len + 7) & ~(uint64_t)7;
	return (const char *)fd->data + begin;
}

/* Look at the lengths of one descriptor, of which @room bytes are there. */
static int parse_fd(struct snapshot_fd *out, const struct sshobs_fd *fd, size_t room)
{
	struct blob *parts[] = { &out->path, &out->local_name, &out->peer_name, &out->tcp_info };
	uint64_t at = 0;
	size_t i;

	if (room < sizeof(*fd) || fd->len % 8 || fd->len < sizeof(*fd) || fd->len > room)
		return -EPROTO;
	out->fd = fd;
	out->path.len = fd->path_len;
	out->local_name.len = fd->local_name_len;
	out->peer_name.len = fd->peer_name_len;
	out->tcp_info.len = fd->tcp_info_len;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		parts[i]->data = next_part(fd, &at, (uint32_t)parts[i]->len);
		if (!parts[i]->data)
			return -EPROTO;
	}
	return 0;
}

/* How many descriptors the answer has, and whether each of them can be. */
static int count_fds(const struct blob *answer, size_t *count, size_t *names)
{
	struct snapshot_fd one;
	uint64_t last = 0;
	size_t at;

	*count = 0;
	*names = 0;
	for (at = 0; at < answer->len; at += one.fd->len) {
		const struct sshobs_fd *fd = (const void *)(answer->data + at);

		if (parse_fd(&one, fd, answer->len - at) || (*count && fd->fd <= last))
			return -EPROTO;
		last = fd->fd;
		++*count;
		*names += one.path.len + one.local_name.len + one.peer_name.len + 3;
	}
	return 0;
}

/* A name as a string: in the answer, something else may follow it at once. */
static char *move_name(struct blob *name, char *to)
{
	memcpy(to, name->data, name->len);
	to[name->len] = '\0';
	name->data = to;
	return to + name->len + 1;
}

static int parse_fds(struct snapshot *snapshot, const struct blob *answer)
{
	size_t names, at = 0, i;
	char *to;

	if (count_fds(answer, &snapshot->fds_count, &names))
		return -EPROTO;
	snapshot->fds = calloc(snapshot->fds_count + 1, sizeof(*snapshot->fds));
	snapshot->names = malloc(names + 1);
	if (!snapshot->fds || !snapshot->names)
		return -ENOMEM;
	to = snapshot->names;
	for (i = 0; i < snapshot->fds_count; i++) {
		struct snapshot_fd *fd = &snapshot->fds[i];

		parse_fd(fd, (const void *)(answer->data + at), answer->len - at);
		to = move_name(&fd->path, to);
		to = move_name(&fd->local_name, to);
		to = move_name(&fd->peer_name, to);
		at += fd->fd->len;
	}
	return 0;
}

static int take_strings(struct snapshot *snapshot, int device, struct sshobs_snapshot *ask,
			unsigned int parts)
{
	int err = 0;

	if (parts & SNAPSHOT_PART(SSHOBS_SNAPSHOT_ARGV))
		err = take_part(snapshot, device, ask, SSHOBS_SNAPSHOT_ARGV, &snapshot->argv);
	if (!err && parts & SNAPSHOT_PART(SSHOBS_SNAPSHOT_ENVIRON))
		err = take_part(snapshot, device, ask, SSHOBS_SNAPSHOT_ENVIRON, &snapshot->environ);
	if (err || !(parts & SNAPSHOT_PART(SSHOBS_SNAPSHOT_EXEC_ENVIRON)))
		return err;
	err = take_part(snapshot, device, ask, SSHOBS_SNAPSHOT_EXEC_ENVIRON,
			&snapshot->exec_environ);
	return err == -ENODATA ? 0 : err;
}

static int take_all(struct snapshot *snapshot, int device, struct sshobs_snapshot *ask,
		    unsigned int parts)
{
	struct blob answer = { NULL, 0 };
	int err = take_part(snapshot, device, ask, SSHOBS_SNAPSHOT_TASK, &answer);

	err = err ?: parse_task(snapshot, &answer);
	if (err)
		return err;
	/* From here on it is this process and no other. */
	ask->start_ns = snapshot->task->start_ns;
	if (parts & SNAPSHOT_PART(SSHOBS_SNAPSHOT_FDS))
		err = take_part(snapshot, device, ask, SSHOBS_SNAPSHOT_FDS, &answer) ?:
			      parse_fds(snapshot, &answer);
	return err ?: take_strings(snapshot, device, ask, parts);
}

int snapshot_take_parts(struct snapshot *snapshot, int device, uint32_t pid, uint64_t start_ns,
			unsigned int parts)
{
	struct sshobs_snapshot ask = { .pid = pid, .start_ns = start_ns };
	int err;

	memset(snapshot, 0, sizeof(*snapshot));
	err = take_all(snapshot, device, &ask, parts);
	if (err)
		snapshot_free(snapshot);
	return err;
}

int snapshot_take(struct snapshot *snapshot, int device, uint32_t pid, uint64_t start_ns)
{
	return snapshot_take_parts(snapshot, device, pid, start_ns, SNAPSHOT_ALL);
}

bool snapshot_is_cut(const struct snapshot *snapshot, enum sshobs_snapshot_what what)
{
	return snapshot->cut & SNAPSHOT_PART(what);
}

void snapshot_free(struct snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < sizeof(snapshot->buffers) / sizeof(snapshot->buffers[0]); i++)
		free(snapshot->buffers[i]);
	free(snapshot->fds);
	free(snapshot->names);
	memset(snapshot, 0, sizeof(*snapshot));
}
