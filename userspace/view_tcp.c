// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "inspect_words.h"
#include "json_build.h"
#include "term.h"
#include "view_tcp.h"

/* The kernel's struct may be shorter or longer than the one that this was built with. */
static bool get_info(const struct snapshot_fd *fd, struct tcp_info *info)
{
	size_t len = fd->tcp_info.len;

	memset(info, 0, sizeof(*info));
	memcpy(info, fd->tcp_info.data, len < sizeof(*info) ? len : sizeof(*info));
	return len;
}

/* Microseconds, as milliseconds with three decimals. */
static void put_ms(const char *before, uint32_t us, const char *after)
{
	printf("%s%u.%03u ms%s", before, us / 1000, us % 1000, after);
}

static void put_rtt(const struct tcp_info *info)
{
	print_key("RTT");
	put_ms("", info->tcpi_rtt, "");
	put_ms(", variance ", info->tcpi_rttvar, "");
	if (info->tcpi_min_rtt != UINT32_MAX)
		put_ms(", least ", info->tcpi_min_rtt, "");
	put_ms("; RTO ", info->tcpi_rto, "\n");
}

static void put_window(const struct tcp_info *info)
{
	print_key("Window");
	printf("cwnd %u", info->tcpi_snd_cwnd);
	if (info->tcpi_snd_ssthresh < 0x7fffffff)
		printf(", ssthresh %u", info->tcpi_snd_ssthresh);
	printf(", mss %u, pmtu %u, peer's window %u bytes, delivery rate %llu bit/s\n",
	       info->tcpi_snd_mss, info->tcpi_pmtu, info->tcpi_snd_wnd,
	       (unsigned long long)info->tcpi_delivery_rate * 8);
}

static void put_traffic(const struct tcp_info *info)
{
	uint32_t segments = info->tcpi_data_segs_out;
	bool bad = info->tcpi_total_retrans || info->tcpi_lost;

	print_key("Sent");
	printf("%llu bytes in %u segments, %llu bytes acked, %u bytes not sent yet\n",
	       (unsigned long long)info->tcpi_bytes_sent, segments,
	       (unsigned long long)info->tcpi_bytes_acked, info->tcpi_notsent_bytes);
	print_key("Retransmits");
	printf("%s%u of %u segments", term_tint(bad ? TINT_WARN : TINT_NONE),
	       info->tcpi_total_retrans, segments);
	if (segments)
		printf(" (%.2f %%)", 100.0 * info->tcpi_total_retrans / segments);
	printf(", %llu bytes, %u lost and %u retransmitted now, %u time-outs in a row%s\n",
	       (unsigned long long)info->tcpi_bytes_retrans, info->tcpi_lost, info->tcpi_retrans,
	       info->tcpi_retransmits, term_tint(TINT_NONE));
	print_key("Received");
	printf("%llu bytes in %u segments, %u out of order\n",
	       (unsigned long long)info->tcpi_bytes_received, info->tcpi_data_segs_in,
	       info->tcpi_rcv_ooopack);
	print_key("Idle");
	printf("last sent %u ms ago, last received %u ms ago\n", info->tcpi_last_data_sent,
	       info->tcpi_last_data_recv);
}

void view_tcp(const struct snapshot_fd *fd)
{
	char local[FORMAT_MAX], peer[FORMAT_MAX];
	struct tcp_info info;

	if (!get_info(fd, &info))
		return;
	print_key("Connection");
	printf("%s <-> %s ", format_endpoint(local, &fd->fd->local),
	       format_endpoint(peer, &fd->fd->peer));
	words_state(stdout, fd->fd->state);
	printf(", ino:%" PRIu64 " sk:%" PRIx64 "\n", (uint64_t)fd->fd->ino,
	       (uint64_t)fd->fd->cookie);
	put_rtt(&info);
	put_window(&info);
	put_traffic(&info);
}

struct member {
	const char *name;
	size_t offset;
	size_t size;
};

#define MEMBER(member)                                                \
	{                                                             \
#member, offsetof(struct tcp_info, tcpi_##member),    \
			sizeof(((struct tcp_info *)0)->tcpi_##member) \
	}

/* Later members; the headers of an old system do not have them yet. */
#define AFTER_SND_WND (offsetof(struct tcp_info, tcpi_snd_wnd) + 4)

static const struct member members[] = {
	MEMBER(state),
	MEMBER(ca_state),
	MEMBER(retransmits),
	MEMBER(probes),
	MEMBER(backoff),
	MEMBER(options),
	MEMBER(rto),
	MEMBER(ato),
	MEMBER(snd_mss),
	MEMBER(rcv_mss),
	MEMBER(unacked),
	MEMBER(sacked),
	MEMBER(lost),
	MEMBER(retrans),
	MEMBER(fackets),
	MEMBER(last_data_sent),
	MEMBER(last_ack_sent),
	MEMBER(last_data_recv),
	MEMBER(last_ack_recv),
	MEMBER(pmtu),
	MEMBER(rcv_ssthresh),
	MEMBER(rtt),
	MEMBER(rttvar),
	MEMBER(snd_ssthresh),
	MEMBER(snd_cwnd),
	MEMBER(advmss),
	MEMBER(reordering),
	MEMBER(rcv_rtt),
	MEMBER(rcv_space),
	MEMBER(total_retrans),
	MEMBER(pacing_rate),
	MEMBER(max_pacing_rate),
	MEMBER(bytes_acked),
	MEMBER(bytes_received),
	MEMBER(segs_out),
	MEMBER(segs_in),
	MEMBER(notsent_bytes),
	MEMBER(min_rtt),
	MEMBER(data_segs_in),
	MEMBER(data_segs_out),
	MEMBER(delivery_rate),
	MEMBER(busy_time),
	MEMBER(rwnd_limited),
	MEMBER(sndbuf_limited),
	MEMBER(delivered),
	MEMBER(delivered_ce),
	MEMBER(bytes_sent),
	MEMBER(bytes_retrans),
	MEMBER(dsack_dups),
	MEMBER(reord_seen),
	MEMBER(rcv_ooopack),
	MEMBER(snd_wnd),
	{ "rcv_wnd", AFTER_SND_WND, 4 },
	{ "rehash", AFTER_SND_WND + 4, 4 },
	{ "total_rto", AFTER_SND_WND + 8, 2 },
	{ "total_rto_recoveries", AFTER_SND_WND + 10, 2 },
	{ "total_rto_time", AFTER_SND_WND + 12, 4 },
};

static uint64_t value_of(const char *at, size_t size)
{
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} value = { .u64 = 0 };

	memcpy(&value, at, size);
	switch (size) {
	case 1:
		return value.u8;
	case 2:
		return value.u16;
	case 4:
		return value.u32;
	}
	return value.u64;
}

/* Members of a few bits, which have no offset: in bytes 6 and 7. */
static void add_bits(struct json_object *object, const struct tcp_info *info)
{
	json_add_u64(object, "snd_wscale", info->tcpi_snd_wscale);
	json_add_u64(object, "rcv_wscale", info->tcpi_rcv_wscale);
	json_add_u64(object, "delivery_rate_app_limited", info->tcpi_delivery_rate_app_limited);
	json_add_u64(object, "fastopen_client_fail", info->tcpi_fastopen_client_fail);
}

struct json_object *view_tcp_json(const struct snapshot_fd *fd)
{
	struct json_object *object;
	struct tcp_info info;
	size_t i;

	if (!get_info(fd, &info))
		return NULL;
	object = json_object_new_object();
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const struct member *member = &members[i];

		if (member->offset + member->size > fd->tcp_info.len)
			continue;
		json_add_u64(object, member->name,
			     value_of(fd->tcp_info.data + member->offset, member->size));
		if (member->offset == offsetof(struct tcp_info, tcpi_options))
			add_bits(object, &info);
	}
	return object;
}
