// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "capture.h"

#define CAPTURE_MAGIC	   "\211SSHOBS\n"
#define CAPTURE_VERSION	   1
#define CAPTURE_BYTE_ORDER 0x01020304

/*
 * What a capture file begins with; the records follow at header_len. A later
 * version may make it longer; one that a reader of this version cannot read
 * has a higher version.
 */
struct capture_header {
	char magic[8];
	uint32_t byte_order;
	uint32_t version;
	uint32_t header_len;
	uint32_t abi;
	int64_t realtime_offset_ns;
	uint64_t time_ns;
	char boot_id[40];
	char host[72];
	char kernel[72];
};

_Static_assert(sizeof(struct capture_header) == CAPTURE_HEADER_MIN, "no padding");

static void read_line(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");

	buf[0] = '\0';
	if (!file)
		return;
	if (fgets(buf, (int)size, file))
		buf[strcspn(buf, "\n")] = '\0';
	fclose(file);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void capture_fill_origin(struct origin *origin)
{
	struct utsname name;

	memset(origin, 0, sizeof(*origin));
	if (uname(&name) == 0) {
		snprintf(origin->host, sizeof(origin->host), "%s", name.nodename);
		snprintf(origin->kernel, sizeof(origin->kernel), "%s", name.release);
	}
	read_line("/proc/sys/kernel/random/boot_id", origin->boot_id, sizeof(origin->boot_id));
	origin->time_ns = clock_ns(CLOCK_MONOTONIC);
}

static void parse_origin(struct origin *origin, const struct capture_header *header)
{
	struct origin here;

	memset(origin, 0, sizeof(*origin));
	snprintf(origin->host, sizeof(origin->host), "%.64s", header->host);
	snprintf(origin->kernel, sizeof(origin->kernel), "%.64s", header->kernel);
	snprintf(origin->boot_id, sizeof(origin->boot_id), "%.36s", header->boot_id);
	origin->realtime_offset_ns = header->realtime_offset_ns;
	origin->time_ns = header->time_ns;
	capture_fill_origin(&here);
	origin->local = strcmp(here.host, origin->host) == 0;
}

int capture_parse(const void *bytes, size_t size, struct origin *origin, size_t *header_len)
{
	struct capture_header header;

	if (size < sizeof(header))
		return STREAM_FOREIGN;
	memcpy(&header, bytes, sizeof(header));
	if (memcmp(header.magic, CAPTURE_MAGIC, sizeof(header.magic)) != 0)
		return STREAM_FOREIGN;
	if (header.byte_order == __builtin_bswap32(CAPTURE_BYTE_ORDER))
		return STREAM_BYTE_ORDER;
	if (header.byte_order != CAPTURE_BYTE_ORDER)
		return STREAM_FOREIGN;
	if (header.version != CAPTURE_VERSION || header.abi != SSHOBS_ABI)
		return STREAM_VERSION;
	if (header.header_len < sizeof(header) || header.header_len > CAPTURE_HEADER_MAX)
		return STREAM_DAMAGED;
	parse_origin(origin, &header);
	*header_len = header.header_len;
	return 0;
}

int capture_write(FILE *file, const struct origin *origin)
{
	struct capture_header header = {
		.magic = CAPTURE_MAGIC,
		.byte_order = CAPTURE_BYTE_ORDER,
		.version = CAPTURE_VERSION,
		.header_len = sizeof(header),
		.abi = SSHOBS_ABI,
		.realtime_offset_ns = origin->realtime_offset_ns,
		.time_ns = origin->time_ns,
	};

	snprintf(header.boot_id, sizeof(header.boot_id), "%s", origin->boot_id);
	snprintf(header.host, sizeof(header.host), "%s", origin->host);
	snprintf(header.kernel, sizeof(header.kernel), "%s", origin->kernel);
	return fwrite(&header, sizeof(header), 1, file) == 1 ? 0 : -errno;
}
