// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture.h"
#include "stream.h"

/* A later version's records may be longer than SSHOBS_RECORD_MAX. */
#define RECORD_LIMIT (64 * 1024)
#define BUFFER_SIZE  (256 * 1024)
/* Zero bytes after a record: fields that it is too short to have read as 0. */
#define RECORD_SLACK 256

struct stream {
	int fd;
	bool device;
	bool ended;
	struct origin origin;
	uint64_t consumed;
	uint64_t next_seq;
	uint64_t gaps;
	uint64_t raw_records;
	uint64_t raw_lost;
	/* [start, end) of @bytes are to come; @bytes is @buffer unless in memory. */
	const unsigned char *bytes;
	size_t start;
	size_t end;
	unsigned char *buffer;
	/* The record that stream_next() gave last. */
	uint64_t record[(RECORD_LIMIT + RECORD_SLACK) / sizeof(uint64_t)];
};

static struct stream *new_stream(int fd, size_t buffer_size)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->fd = fd;
	if (buffer_size) {
		stream->buffer = malloc(buffer_size);
		stream->bytes = stream->buffer;
	}
	if (buffer_size && !stream->buffer) {
		free(stream);
		return NULL;
	}
	return stream;
}

static int open_device(struct stream *stream)
{
	__u32 format = SSHOBS_FORMAT_BINARY;
	struct sshobs_info info;

	if (ioctl(stream->fd, SSHOBS_IOC_SET_FORMAT, &format) || stream_info(stream, &info))
		return -errno;
	if (info.abi != SSHOBS_ABI)
		return STREAM_VERSION;
	capture_fill_origin(&stream->origin);
	stream->origin.live = true;
	stream->origin.local = true;
	stream->origin.realtime_offset_ns = info.realtime_offset_ns;
	return 0;
}

int stream_open_device(struct stream **out)
{
	int fd = open(SSHOBS_DEVICE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stream *stream;
	int err;

	if (fd < 0)
		return -errno;
	stream = new_stream(fd, BUFFER_SIZE);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	stream->device = true;
	err = open_device(stream);
	if (err) {
		stream_close(stream);
		return err;
	}
	*out = stream;
	return 0;
}

/* Bring at least @want bytes into the buffer, unless the file ends before. */
static int fill(struct stream *stream, size_t want)
{
	while (stream->end - stream->start < want && !stream->ended) {
		ssize_t n;

		if (stream->fd < 0) {
			stream->ended = true;
			break;
		}
		if (stream->start) {
			memmove(stream->buffer, stream->buffer + stream->start,
				stream->end - stream->start);
			stream->end -= stream->start;
			stream->start = 0;
		}
		n = read(stream->fd, stream->buffer + stream->end, BUFFER_SIZE - stream->end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			stream->ended = true;
		stream->end += (size_t)n;
	}
	return 0;
}

static void consume(struct stream *stream, size_t n)
{
	stream->start += n;
	stream->consumed += n;
}

static int read_header(struct stream *stream)
{
	size_t header_len = CAPTURE_HEADER_MIN;
	int err = fill(stream, header_len);

	err = err   ?:
		      capture_parse(stream->bytes + stream->start, stream->end - stream->start,
				    &stream->origin, &header_len);
	err = err ?: fill(stream, header_len);
	if (err)
		return err;
	if (stream->end - stream->start < header_len)
		return STREAM_FOREIGN;
	consume(stream, header_len);
	return 0;
}

static int open_capture(struct stream **out, struct stream *stream)
{
	int err = read_header(stream);

	if (err) {
		stream_close(stream);
		return err;
	}
	*out = stream;
	return 0;
}

int stream_open_file(struct stream **out, const char *path)
{
	struct stream *stream;
	int fd;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	stream = new_stream(fd, BUFFER_SIZE);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	return open_capture(out, stream);
}

int stream_open_memory(struct stream **out, const void *data, size_t size)
{
	struct stream *stream = new_stream(-1, 0);

	if (!stream)
		return -ENOMEM;
	stream->bytes = data;
	stream->end = size;
	return open_capture(out, stream);
}

int64_t event_realtime(const struct event *event)
{
	return (int64_t)(event->hdr->time_ns + (uint64_t)event->realtime_offset_ns);
}

uint64_t event_run_delay(const struct event *event)
{
	return event->hdr->hdr_len < sizeof(*event->hdr) ? 0 : event->hdr->run_delay_ns;
}

bool event_is_reading(const struct event *event)
{
	return event->hdr->type == SSHOBS_READING;
}

bool event_is_begun(const struct event *event)
{
	return event->hdr->type == SSHOBS_CONNECT && event->connect->protocol == IPPROTO_TCP &&
	       event->connect->flags & SSHOBS_CONNECT_BEGUN;
}

bool event_ends(const struct event *event, const struct event *begin)
{
	const struct sshobs_connect *a = event->connect, *b = begin->connect;

	return event->hdr->type == SSHOBS_CONNECT && event->hdr->tid == begin->hdr->tid &&
	       a->protocol == IPPROTO_TCP && !(a->flags & SSHOBS_CONNECT_BEGUN) &&
	       event->hdr->time_ns - a->duration_ns == begin->hdr->time_ns &&
	       memcmp(&a->peer, &b->peer, sizeof(a->peer)) == 0;
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->buffer);
	free(stream);
}

/* What the header was before run_delay_ns. */
#define HDR_SIZE offsetof(struct sshobs_hdr, run_delay_ns)

/* What the bodies of accept and adopt were before queue_ns. */
#define ACCEPT_SIZE offsetof(struct sshobs_accept, queue_ns)

/* What these were before they told of limits. */
#define CLONE_FAIL_SIZE	 offsetof(struct sshobs_clone_fail, limit)
#define EXIT_SIZE	 offsetof(struct sshobs_exit, limits)
#define ESTABLISHED_SIZE offsetof(struct sshobs_established, syns_dropped)

/* For each type, the size of the body that every version has. */
static const size_t body_sizes[] = {
	[SSHOBS_ACCEPT] = ACCEPT_SIZE,
	[SSHOBS_CLONE] = sizeof(struct sshobs_clone),
	[SSHOBS_CLONE_FAIL] = CLONE_FAIL_SIZE,
	[SSHOBS_EXEC] = sizeof(struct sshobs_exec),
	[SSHOBS_EXEC_FAIL] = sizeof(struct sshobs_exec_fail),
	[SSHOBS_CRED] = sizeof(struct sshobs_cred),
	[SSHOBS_PTY] = sizeof(struct sshobs_pty),
	[SSHOBS_PROMPT] = sizeof(struct sshobs_pty),
	[SSHOBS_EXIT] = EXIT_SIZE,
	[SSHOBS_CLOSE] = sizeof(struct sshobs_close),
	[SSHOBS_END] = sizeof(struct sshobs_end),
	[SSHOBS_ADOPT] = ACCEPT_SIZE,
	[SSHOBS_MARK] = sizeof(struct sshobs_mark),
	[SSHOBS_LOST] = sizeof(struct sshobs_lost),
	[SSHOBS_SYN] = sizeof(struct sshobs_syn),
	[SSHOBS_ESTABLISHED] = ESTABLISHED_SIZE,
	[SSHOBS_WIRE] = sizeof(struct sshobs_wire),
	[SSHOBS_LOG] = sizeof(struct sshobs_log),
	[SSHOBS_CONNECT] = sizeof(struct sshobs_connect),
	[SSHOBS_READING] = sizeof(struct sshobs_reading),
	[SSHOBS_PTY_FAIL] = sizeof(struct sshobs_pty_fail),
};

#define KNOWN_TYPES (sizeof(body_sizes) / sizeof(body_sizes[0]))

/* Do the variable parts lie within the body's @size bytes? Sets event->data. */
static bool check_data(struct event *event, size_t size)
{
	uint64_t need = 0;

	switch (event->hdr->type) {
	case SSHOBS_EXEC:
		event->data = event->exec->data;
		need = (uint64_t)event->exec->path_len + event->exec->argv_len;
		break;
	case SSHOBS_EXEC_FAIL:
		event->data = event->exec_fail->data;
		need = event->exec_fail->path_len;
		break;
	case SSHOBS_MARK:
		event->data = event->mark->text;
		need = event->mark->text_len;
		break;
	case SSHOBS_WIRE:
		event->data = event->wire->data;
		need = event->wire->data_len;
		break;
	case SSHOBS_LOG:
		event->data = event->log->text;
		need = event->log->text_len;
		break;
	case SSHOBS_CONNECT:
		event->data = event->connect->path;
		need = event->connect->path_len;
		break;
	}
	return !need || need <= size - (size_t)(event->data - (const unsigned char *)event->body);
}

/* The header's lengths were checked; look at the body. */
static int parse(struct stream *stream, struct event *event)
{
	const struct sshobs_hdr *hdr = (const void *)stream->record;
	size_t size = hdr->len - hdr->hdr_len;

	memset(event, 0, sizeof(*event));
	event->hdr = hdr;
	event->body = (const unsigned char *)stream->record + hdr->hdr_len;
	event->realtime_offset_ns = stream->origin.realtime_offset_ns;
	if (hdr->type < KNOWN_TYPES && body_sizes[hdr->type]) {
		if (size < body_sizes[hdr->type] || !check_data(event, size))
			return STREAM_DAMAGED;
	}
	return 1;
}

/* Follow the numbers: what is missing and no lost record told of is a gap. */
static void check_seq(struct stream *stream, const struct event *event)
{
	uint64_t seq = event->hdr->seq;

	if (stream->next_seq && seq > stream->next_seq)
		stream->gaps += seq - stream->next_seq;
	if (event->hdr->type == SSHOBS_LOST)
		seq += event->lost->count - 1;
	stream->next_seq = seq + 1;
}

static bool header_is_sane(const struct sshobs_hdr *hdr)
{
	return hdr->len % 8 == 0 && hdr->hdr_len % 8 == 0 && hdr->hdr_len >= HDR_SIZE &&
	       hdr->len >= hdr->hdr_len && hdr->len <= RECORD_LIMIT;
}

/* The offset to CLOCK_REALTIME moves when the clock is set. */
static void refresh_offset(struct stream *stream)
{
	struct sshobs_info info;

	if (stream_info(stream, &info) == 0)
		stream->origin.realtime_offset_ns = info.realtime_offset_ns;
}

static int read_device(struct stream *stream)
{
	ssize_t n = read(stream->fd, stream->buffer, BUFFER_SIZE);

	stream->start = 0;
	stream->end = n > 0 ? (size_t)n : 0;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n > 0;
}

int stream_next(struct stream *stream, struct event *event)
{
	struct sshobs_hdr hdr;
	int ret;

	if (stream->device && stream->start == stream->end) {
		ret = read_device(stream);
		if (ret <= 0)
			return ret;
		refresh_offset(stream);
	}
	ret = stream->device ? 0 : fill(stream, HDR_SIZE);
	if (ret)
		return ret;
	if (stream->end - stream->start < HDR_SIZE)
		return 0;
	memcpy(&hdr, stream->bytes + stream->start, HDR_SIZE);
	if (!header_is_sane(&hdr))
		return STREAM_DAMAGED;
	ret = stream->device ? 0 : fill(stream, hdr.len);
	if (ret)
		return ret;
	if (stream->end - stream->start < hdr.len)
		return stream->device ? STREAM_DAMAGED : 0;
	memcpy(stream->record, stream->bytes + stream->start, hdr.len);
	memset((unsigned char *)stream->record + hdr.len, 0, RECORD_SLACK);
	ret = parse(stream, event);
	if (ret < 0)
		return ret;
	consume(stream, hdr.len);
	check_seq(stream, event);
	return 1;
}

static void count_raw(struct stream *stream)
{
	size_t at = 0;

	while (stream->end - at >= HDR_SIZE) {
		const struct sshobs_hdr *hdr = (const void *)(stream->buffer + at);

		if (!header_is_sane(hdr) || hdr->len > stream->end - at)
			break;
		if (hdr->type != SSHOBS_LOST)
			stream->raw_records++;
		else if (hdr->len - hdr->hdr_len >= sizeof(struct sshobs_lost))
			stream->raw_lost +=
				((const struct sshobs_lost *)((const char *)hdr + hdr->hdr_len))
					->count;
		at += hdr->len;
	}
}

long stream_read_raw(struct stream *stream, const void **data)
{
	int ret = read_device(stream);

	if (ret < 0)
		return ret;
	*data = stream->buffer;
	count_raw(stream);
	return (long)stream->end;
}

void stream_raw_counts(const struct stream *stream, uint64_t *records, uint64_t *lost)
{
	*records = stream->raw_records;
	*lost = stream->raw_lost;
}

int stream_wait(struct stream *stream, int out, const sigset_t *signals)
{
	struct pollfd fds[] = {
		{ .fd = stream->fd, .events = POLLIN },
		{ .fd = out },
	};

	if (ppoll(fds, 2, NULL, signals) < 0)
		return -errno;
	/* A pipe has an error then; a socket hangs up. */
	return fds[1].revents & (POLLERR | POLLHUP) ? -EPIPE : 0;
}

int stream_skip(struct stream *stream)
{
	stream->start = 0;
	stream->end = 0;
	return lseek(stream->fd, 0, SEEK_END) < 0 ? -errno : 0;
}

const struct origin *stream_origin(const struct stream *stream)
{
	return &stream->origin;
}

uint64_t stream_offset(const struct stream *stream)
{
	return stream->consumed;
}

size_t stream_cut(const struct stream *stream)
{
	return stream->ended ? stream->end - stream->start : 0;
}

uint64_t stream_gaps(const struct stream *stream)
{
	return stream->gaps;
}

int stream_device(const struct stream *stream)
{
	return stream->fd;
}

int stream_info(struct stream *stream, struct sshobs_info *info)
{
	return ioctl(stream->fd, SSHOBS_IOC_INFO, info) ? -errno : 0;
}

int stream_stats(struct stream *stream, struct sshobs_stats *stats)
{
	return ioctl(stream->fd, SSHOBS_IOC_STATS, stats) ? -errno : 0;
}

int stream_trial(struct stream *stream)
{
	return ioctl(stream->fd, SSHOBS_IOC_TRIAL, 0) ? -errno : 0;
}

int stream_probe(struct stream *stream, unsigned int index, struct sshobs_probe *probe)
{
	memset(probe, 0, sizeof(*probe));
	probe->index = index;
	return ioctl(stream->fd, SSHOBS_IOC_PROBE, probe) ? -errno : 0;
}

int stream_copy(const struct event *event, struct event *copy)
{
	size_t len = event->hdr->len;
	unsigned char *bytes = malloc(len + RECORD_SLACK);
	const unsigned char *old = (const void *)event->hdr;

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, event->hdr, len);
	memset(bytes + len, 0, RECORD_SLACK);
	*copy = *event;
	copy->hdr = (const void *)bytes;
	copy->body = bytes + event->hdr->hdr_len;
	if (event->data)
		copy->data = bytes + (event->data - old);
	return 0;
}

void stream_free_copy(struct event *copy)
{
	free((void *)copy->hdr);
	copy->hdr = NULL;
}
