/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Times, durations, addresses and names of users as the views print them.
 */
#ifndef _SSHOBS_FORMAT_H
#define _SSHOBS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

#define NS_PER_SEC 1000000000LL

/* Enough for everything that is printed here. */
#define FORMAT_MAX 80

/**
 * format_duration() - "512 us", "12.3 ms", "4.213 s", "3m 12s", "2h 05m", "3d 4h"
 * @buf: FORMAT_MAX bytes
 * @ns: nanoseconds
 *
 * Return: @buf.
 */
const char *format_duration(char *buf, uint64_t ns);

/** format_utc() - RFC 3339 in UTC with nine decimals, of CLOCK_REALTIME; Return: @buf */
const char *format_utc(char *buf, int64_t realtime_ns);

/** format_local() - RFC 3339 with microseconds and offset in the time zone; Return: @buf */
const char *format_local(char *buf, int64_t realtime_ns);

/**
 * format_day() - "Sun 2026-11-22 10:00:00.204 UTC" in the time zone
 * @buf: FORMAT_MAX bytes
 * @realtime_ns: CLOCK_REALTIME
 *
 * Return: @buf.
 */
const char *format_day(char *buf, int64_t realtime_ns);

/**
 * format_start() - "2026-11-22 10:00:00" in the time zone
 * @buf: FORMAT_MAX bytes
 * @realtime_ns: CLOCK_REALTIME
 * @brief: without the year
 *
 * Return: @buf.
 */
const char *format_start(char *buf, int64_t realtime_ns, bool brief);

/** format_address() - "203.0.113.7", "fe80::1%2"; empty for no family; Return: @buf */
const char *format_address(char *buf, const struct sshobs_endpoint *end);

/** format_endpoint() - "203.0.113.7:22", "[::1]:22"; "?" for no family; Return: @buf */
const char *format_endpoint(char *buf, const struct sshobs_endpoint *end);

/**
 * format_user() - the name of a user id
 * @buf: FORMAT_MAX bytes
 * @uid: user id
 * @local: it is one of this host
 *
 * Return: @buf, with the number where there is no name, or none of this host.
 */
const char *format_user(char *buf, uint32_t uid, bool local);

/**
 * parse_time() - read a time as journalctl would
 * @text: "2026-11-22 10:00:00", "2026-11-22", "10:00", "now", "today",
 *	"yesterday", "-5min", "+1h", "5min ago", "@1793700000.5"
 * @now_ns: what "now" means, CLOCK_REALTIME
 * @ns: out: CLOCK_REALTIME
 *
 * Return: whether it is a time.
 */
bool parse_time(const char *text, int64_t now_ns, int64_t *ns);

/** parse_number() - read a decimal number up to @max; Return: whether it is one */
bool parse_number(const char *text, uint64_t max, uint64_t *number);

/** parse_delay() - read seconds, 0.1 to 3600, with decimals; Return: whether it is one */
bool parse_delay(const char *text, uint64_t *ns);

/** now_realtime_ns() - CLOCK_REALTIME */
int64_t now_realtime_ns(void);

/** now_monotonic_ns() - CLOCK_MONOTONIC */
uint64_t now_monotonic_ns(void);

#endif /* _SSHOBS_FORMAT_H */
