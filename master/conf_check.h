/* SPDX-License-Identifier: ISC */
/* conf_check - is this host ready for what the configuration says? */
#ifndef POSTERN_MASTER_CONF_CHECK_H
#define POSTERN_MASTER_CONF_CHECK_H

#include "master/conf.h"

/* Who each kind of child becomes; uid UINT32_MAX: whoever the master is (it is not root). */
struct conf_users {
	uint32_t uid[ROLE_COUNT];
	uint32_t gid[ROLE_COUNT];
};

/* Looks the users up. Without root no lookup is made. */
void conf_find_users(const struct configuration *, struct conf_users *, struct conf_problems *);

/* As root: whether only root can change the file. */
void conf_check_file(const struct configuration *, struct conf_problems *);

/* Whether the certs folder, if it is there, and each certificate that a listener names can be used
 * by certd. */
void conf_check_certificates(const struct configuration *, const struct conf_users *,
			     struct conf_problems *);

/* conf_clients.c: are the files of client_authorities and client_crl there, and what they should
 * be? */
void conf_check_clients(const struct configuration *, const struct conf_users *,
			struct conf_problems *);
/* Are the files that relay is to be handed there, and can nobody else write them? */
void conf_check_relay(const struct configuration *, struct conf_problems *);
/* Does a listener ask its clients for certificates? */
bool conf_asks_clients(const struct configuration *);

/* Is there anything for filter to do (conf_filter.c)? */
bool conf_filters(const struct configuration *);

#endif
