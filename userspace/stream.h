/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stream of records: /dev/sshobs, and capture files of it.
 *
 * The only file that touches record bytes. Every length in a record is checked
 * here, once: what comes out as a struct event can be trusted to be whole, also
 * when the capture was written by an enemy. What a user or the network put into
 * it (comm, path, argv, mark) is as it came: escape it.
 */
#ifndef _SSHOBS_STREAM_H
#define _SSHOBS_STREAM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../uapi/sshobs.h"

#define SSHOBS_DEVICE "/dev/sshobs"

/**
 * struct event - one record whose lengths were checked
 * @hdr: header; the record as sshobs_text() wants it
 * @body: its body, by type; as many zero bytes follow it as a longer version of
 *	the same body would have
 * @data: bytes of path, argv, text or clear text that the body ends with
 * @realtime_offset_ns: add it to hdr->time_ns to get CLOCK_REALTIME
 */
struct event {
	const struct sshobs_hdr *hdr;
	union {
		const void *body;
		const struct sshobs_accept *accept;
		const struct sshobs_clone *clone;
		const struct sshobs_clone_fail *clone_fail;
		const struct sshobs_exec *exec;
		const struct sshobs_exec_fail *exec_fail;
		const struct sshobs_cred *cred;
		const struct sshobs_pty *pty;
		const struct sshobs_exit *exit;
		const struct sshobs_close *close;
		const struct sshobs_end *end;
		const struct sshobs_mark *mark;
		const struct sshobs_lost *lost;
		const struct sshobs_syn *syn;
		const struct sshobs_established *established;
		const struct sshobs_wire *wire;
		const struct sshobs_log *log;
		const struct sshobs_connect *connect;
		const struct sshobs_reading *reading;
		const struct sshobs_pty_fail *pty_fail;
	};
	const unsigned char *data;
	int64_t realtime_offset_ns;
};

/**
 * struct origin - where a stream was recorded
 * @host: host name
 * @boot_id: as /proc/sys/kernel/random/boot_id has it
 * @kernel: kernel release
 * @realtime_offset_ns: CLOCK_REALTIME minus CLOCK_MONOTONIC
 * @time_ns: CLOCK_MONOTONIC when the stream was opened, or the capture begun
 * @live: this host's device, not a capture
 * @local: the names of users are those of this host
 */
struct origin {
	char host[65];
	char boot_id[37];
	char kernel[65];
	int64_t realtime_offset_ns;
	uint64_t time_ns;
	bool live;
	bool local;
};

/* Why a capture could not be read on; they stand beside -errno. */
enum stream_error {
	STREAM_FOREIGN = -10001, /* no capture file */
	STREAM_VERSION = -10002, /* a capture of a later version */
	STREAM_BYTE_ORDER = -10003, /* written with the other byte order */
	STREAM_DAMAGED = -10004, /* a record that cannot be */
};

struct stream;

/**
 * stream_open_device() - open /dev/sshobs for records
 * @out: the stream; stream_close() it
 *
 * The stream starts at the oldest record that the ring holds.
 *
 * Return: 0; -ENOENT without the module; -EACCES, -EPERM without the right; else
 * -errno.
 */
int stream_open_device(struct stream **out);

/**
 * stream_open_file() - open a capture file
 * @out: the stream; stream_close() it
 * @path: the file; "-" is the standard input
 *
 * Return: 0, -errno or enum stream_error.
 */
int stream_open_file(struct stream **out, const char *path);

/**
 * stream_open_memory() - read a capture that stands in memory
 * @out: the stream; stream_close() it
 * @data: bytes of the capture; must stay until stream_close()
 * @size: how many
 *
 * Return: 0, -errno or enum stream_error.
 */
int stream_open_memory(struct stream **out, const void *data, size_t size);

/**
 * event_is_reading() - whether the module told of a process what it did not do itself
 * @event: any event
 */
bool event_is_reading(const struct event *event);

/**
 * event_run_delay() - how long the thread had waited for a processor by then
 * @event: any event
 *
 * Return: ns; 0 in records of the first version, which do not tell.
 */
uint64_t event_run_delay(const struct event *event);

/**
 * event_is_begun() - whether it is a TCP connect that begins
 * @event: any event
 *
 * Until another event of its process, the connection is being made.
 */
bool event_is_begun(const struct event *event);

/**
 * event_ends() - whether an event tells how a connect ended
 * @event: any event
 * @begin: an event for which event_is_begun() is true
 */
bool event_ends(const struct event *event, const struct event *begin);

/** event_realtime() - CLOCK_REALTIME of an event, in ns */
int64_t event_realtime(const struct event *event);

/** stream_close() - free the stream; NULL is fine */
void stream_close(struct stream *stream);

/**
 * stream_next() - take the next record
 * @stream: the stream
 * @event: out: the record; stands until the next call
 *
 * Records of types that this version does not know come too: skip them.
 *
 * Return: 1; 0 when there is none: at the end of a capture, or for now; -errno or
 * STREAM_DAMAGED, after which stream_offset() tells where.
 */
int stream_next(struct stream *stream, struct event *event);

/**
 * stream_read_raw() - take all whole records that can be had without waiting
 * @stream: a device's stream, on which stream_next() was never called
 * @data: out: the bytes; they stand until the next call
 *
 * Return: their number, 0 when there is none now, or -errno.
 */
long stream_read_raw(struct stream *stream, const void **data);

/**
 * stream_wait() - wait until the device has a record
 * @stream: a device's stream
 * @out: file descriptor of what is written to
 * @signals: signal mask while it waits
 *
 * Return: 0, -EINTR on a signal, -EPIPE if nobody reads @out any more, else -errno.
 */
int stream_wait(struct stream *stream, int out, const sigset_t *signals);

/** stream_skip() - go on with what comes next; Return: 0 or -errno */
int stream_skip(struct stream *stream);

/**
 * stream_raw_counts() - what stream_read_raw() gave until now
 * @stream: the stream
 * @records: out: records, without those that tell of a loss
 * @lost: out: records that were lost
 */
void stream_raw_counts(const struct stream *stream, uint64_t *records, uint64_t *lost);

/** stream_origin() - where the stream was recorded; lives as long as the stream */
const struct origin *stream_origin(const struct stream *stream);

/** stream_offset() - how many bytes of the capture were consumed */
uint64_t stream_offset(const struct stream *stream);

/** stream_cut() - bytes of an unfinished record at the capture's end; 0: none */
size_t stream_cut(const struct stream *stream);

/** stream_gaps() - records missing from the sequence that no lost record told of */
uint64_t stream_gaps(const struct stream *stream);

/** stream_device() - the open device, for ioctls on it; not to be closed or read */
int stream_device(const struct stream *stream);

/** stream_info() - ask the device for its clocks and numbers; Return: 0 or -errno */
int stream_info(struct stream *stream, struct sshobs_info *info);

/** stream_stats() - ask the device what it counted; Return: 0 or -errno */
int stream_stats(struct stream *stream, struct sshobs_stats *stats);

/** stream_trial() - have the module try its probes; Return: 0 or -errno */
int stream_trial(struct stream *stream);

/** stream_probe() - ask for one probe; Return: 0, -ENOENT past the last, or -errno */
int stream_probe(struct stream *stream, unsigned int index, struct sshobs_probe *probe);

/**
 * stream_copy() - keep an event
 * @event: any event
 * @copy: out: the same one with memory of its own; stream_free_copy() it
 *
 * Return: 0 or -ENOMEM.
 */
int stream_copy(const struct event *event, struct event *copy);

/** stream_free_copy() - free what stream_copy() made */
void stream_free_copy(struct event *copy);

#endif /* _SSHOBS_STREAM_H */
