/* SPDX-License-Identifier: ISC */
#include "master/conf_uses.h"

#include <stdio.h>
#include <string.h>

/* How well it is for the hostname: the more, the better; 0: not at all. */
static int
rank(const struct conf_candidate *candidate)
{
	if (candidate->exact)
		return candidate->self_signed ? 3 : 4;
	if (candidate->wildcard)
		return candidate->self_signed ? 1 : 2;
	return 0;
}

/* What relay has no listener presents, unless it names it. */
static bool
may_present(const struct configuration *conf, const struct conf_listener *listener,
	    const struct conf_candidate *candidate)
{
	return (!candidate->weak || listener->weak) &&
	       (listener->certificates.count > 0 || !conf_relay_keeps(conf, candidate->name));
}

static bool
names(const struct conf_listener *listener, const char *name)
{
	for (size_t i = 0; i < listener->certificates.count; i++) {
		if (strcmp(listener->certificates.name[i], name) == 0)
			return true;
	}
	return false;
}

/* Of those for the hostname: none ranks higher, and none of its kind is valid for longer. */
static bool
is_best(const struct configuration *conf, const struct conf_listener *listener,
	const struct conf_candidate *list, size_t count, size_t index)
{
	const struct conf_candidate *candidate = &list[index];

	for (size_t i = 0; i < count; i++) {
		const struct conf_candidate *other = &list[i];

		if (i == index || !may_present(conf, listener, other) ||
		    rank(other) < rank(candidate))
			continue;
		if (rank(other) > rank(candidate) ||
		    (other->kind == candidate->kind &&
		     (other->until > candidate->until ||
		      (other->until == candidate->until && i < index))))
			return false;
	}
	return rank(candidate) > 0;
}

static bool
any_for_host(const struct configuration *conf, const struct conf_listener *listener,
	     const struct conf_candidate *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (may_present(conf, listener, &list[i]) && rank(&list[i]) > 0)
			return true;
	}
	return false;
}

static bool
any_called(const char *hostname, const struct conf_candidate *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, hostname) == 0)
			return true;
	}
	return false;
}

bool
conf_presents(const struct configuration *conf, const struct conf_listener *listener,
	      const struct conf_candidate *list, size_t count, size_t index)
{
	const struct conf_candidate *candidate = &list[index];

	if (listener->tls == TLS_NONE || !may_present(conf, listener, candidate))
		return false;
	if (listener->certificates.count > 0)
		return names(listener, candidate->name);
	if (any_for_host(conf, listener, list, count))
		return is_best(conf, listener, list, count, index);
	if (any_called(conf->hostname, list, count))
		return strcmp(candidate->name, conf->hostname) == 0;
	for (size_t i = 0; i < count; i++) {
		if (i != index && !conf_relay_keeps(conf, list[i].name))
			return false;
	}
	return true;
}

static bool
is_there(const char *list, const char *label)
{
	size_t length = strlen(label);

	for (const char *at = list; (at = strstr(at, label)) != NULL; at += length) {
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* Appends LABEL, unless it is there. False: there is no room for more. */
static bool
append(char *out, size_t size, const char *label)
{
	size_t used = strlen(out);

	if (is_there(out, label))
		return true;
	if (used + strlen(label) + sizeof(" ...") > size - 1) {
		(void)strlcat(out, " ...", size);
		return false;
	}
	snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", label);
	return true;
}

void
conf_presenters(const struct configuration *conf, const struct conf_candidate *list, size_t count,
		size_t index, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *listener = &conf->listeners[i];
		char label[32];

		if (!conf_presents(conf, listener, list, count, index))
			continue;
		snprintf(label, sizeof(label), "%s:%u", conf_services[listener->service],
			 listener->port);
		if (!append(out, size, label))
			return;
	}
	if (conf_relay_shows(conf, list[index].name))
		(void)append(out, size, "relay");
}

bool
conf_has_sni_any(const struct configuration *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *listener = &conf->listeners[i];

		if (listener->tls != TLS_NONE &&
		    (listener->sni == SNI_ANY || listener->sni == SNI_STRICT))
			return true;
	}
	return false;
}
