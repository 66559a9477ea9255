/* SPDX-License-Identifier: ISC */
/* conf_keys - the keys of postern.conf, and what has to hold between them. */
#ifndef POSTERN_MASTER_CONF_KEYS_H
#define POSTERN_MASTER_CONF_KEYS_H

#include "master/conf_table.h"

extern const struct conf_key conf_keys[]; /* of the file; target: struct configuration */

/* All defaults. */
void conf_keys_start(struct conf_reader *);

/* The last steps: what is required, defaults that depend on other keys. */
void conf_keys_finish(struct conf_reader *, const config_setting_t *root);

/* A host's or a domain's name, in letters of any kind, as A-labels in lower case. NULL, or what is
 * wrong with it, which may be in ERR. */
const char *conf_parse_name(const char *text, char out[HOST_NAME_SIZE], struct error *err);
/* The same of a domain; "" after a problem, which is told. */
void conf_read_domain(struct conf_reader *, const config_setting_t *, const char *text,
		      char out[HOST_NAME_SIZE]);

/* Names of certificates, and where they were said: the file's default, or a listener's. */
void conf_set_certificates(struct conf_reader *, const config_setting_t *, struct conf_names *,
			   struct conf_where *);

/* certificates = ( ... ), listeners = ( ... ); target: struct configuration. */
void conf_set_watches(struct conf_reader *, const config_setting_t *, void *target);
void conf_set_listeners(struct conf_reader *, const config_setting_t *, void *target);
/* conf_clients.c: what the keys client_... of a listener have to say together. */
void conf_clients_finish(struct conf_reader *, const struct conf_listener *);
/* The default listeners if there are none; what has to hold between them. */
void conf_listeners_finish(struct conf_reader *);

/* conf_route.c: a route's keys, and those of the group relay that are one's too. */
void conf_set_routes(struct conf_reader *, const config_setting_t *, void *target);
void conf_route_start(struct conf_route *);
/* KEY is one of a route: sets it. */
void conf_set_route_key(struct conf_reader *, const config_setting_t *, struct conf_route *);
/* What has to hold between the keys of a route; what it leaves out is as in STANDARD, or NULL. */
void conf_route_finish(struct conf_reader *, struct conf_route *,
		       const struct conf_route *standard);

/* relay (conf_relay.c): the defaults; what the file says; what has to hold between its keys. */
void conf_relay_start(struct configuration *);
void conf_relay_finish(struct conf_reader *);
void conf_set_relay(struct conf_reader *, const config_setting_t *, void *target);

/* addresses (conf_addresses.c): the defaults; what its domains leave out, and what has to hold. */
extern const struct conf_key conf_address_keys[];
void conf_addresses_start(struct configuration *);
void conf_addresses_finish(struct conf_reader *);

/* defences (conf_defences.c): the defaults; what the file says. */
void conf_defences_start(struct configuration *);
void conf_set_defences(struct conf_reader *, const config_setting_t *, void *target);
/* Networks; an empty list is none. */
void conf_set_exempt(struct conf_reader *, const config_setting_t *, struct conf_exempt *);
/* filter (conf_filter.c). */
/* filter.milters (conf_milters.c). */
void conf_set_milters(struct conf_reader *, const config_setting_t *, void *target);

extern const struct conf_key conf_filter_keys[];

#endif
