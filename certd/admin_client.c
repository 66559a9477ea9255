/* SPDX-License-Identifier: ISC */
/* CC_CLIENT, CC_REVOKE, CC_CLIENTS: certificates of mail clients, from the server's authority. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certd/admin_internal.h"
#include "certd/authority.h"
#include "common/address.h"
#include "common/log.h"

static struct authority_place
place_of(const struct admins *admins)
{
	return (struct authority_place){admins->target->directory, admins->target->owner};
}

/* -- CC_CLIENT: at the first time the authority's key is made, then always the client's ---- */

static void
forget(struct admins *admins)
{
	freezero(admins->client, sizeof(*admins->client));
	admins->client = NULL;
}

static void
end_client(struct admins *admins)
{
	forget(admins);
	admin_end(admins);
}

static void
fail_client(struct admins *admins, const char *why)
{
	struct admin *admin = admins->worker;

	log_event(LOG_ERR, "client.failed", KV_STR("account", admins->client->account),
		  KV_STR("why", why));
	end_client(admins);
	admin_result(admin, admins->id, false, why);
}

static void
cancel_client(struct admins *admins)
{
	keygen_cancel(admins->keygen);
	forget(admins);
}

static int
issue(struct admins *admins, EVP_PKEY *pkey, char *text, size_t size, struct error *err)
{
	const struct cc_client *client = admins->client;
	const struct authority_place place = place_of(admins);
	const struct authority_order order = {.key = pkey,
					      .account = client->account,
					      .days = client->days,
					      .passphrase = client->passphrase,
					      .cipher = client->legacy ? PACK_LEGACY : PACK_AES};
	char until[CLIENT_TIME_SIZE];
	struct cert_client cert;
	struct packed packed;

	if (authority_issue(&place, &order, &packed, &cert, err) == -1)
		return -1;
	client_time_format(cert.until, until);
	snprintf(text, size, "serial number %s, valid until %s", cert.serial, until);
	admin_pieces(admins->worker, admins->id, &packed);
	packed_free(&packed);
	return 0;
}

static void
on_client_key(EVP_PKEY *pkey, const struct error *failed, void *arg)
{
	struct admins *admins = arg;
	struct admin *admin = admins->worker;
	char text[CERT_TEXT_MAX + 1];
	struct error err = *failed;

	if (pkey == NULL || issue(admins, pkey, text, sizeof(text), &err) == -1) {
		fail_client(admins, err.text);
	} else {
		end_client(admins);
		admin_result(admin, admins->id, true, text);
	}
	EVP_PKEY_free(pkey);
}

static int
start_client_key(struct admins *admins, struct error *err)
{
	admin_progress(admins->worker, admins->id, 0, 0, "making the client's key");
	if (keygen_start(admins->keygen, admins->client->key, on_client_key, admins) == -1)
		return error_set(err, "another key is being made: try again in a moment");
	return 0;
}

static void
on_authority_key(EVP_PKEY *pkey, const struct error *failed, void *arg)
{
	struct admins *admins = arg;
	const struct authority_place place = place_of(admins);
	struct error err = *failed;

	if (pkey == NULL || authority_create(&place, pkey, admins->client->host, &err) == -1 ||
	    start_client_key(admins, &err) == -1)
		fail_client(admins, err.text);
	EVP_PKEY_free(pkey);
}

static int
begin_client(struct admins *admins, struct admin *admin, uint32_t id, struct error *err)
{
	const struct authority_place place = place_of(admins);
	int there;

	if (file_check_folder(place.certs, place.owner, err) == -1)
		return -1;
	there = authority_exists(&place, err);
	if (there == -1)
		return -1;
	admin_begin(admin, id, cancel_client);
	if (there == 1 && start_client_key(admins, err) == 0)
		return 0;
	if (there == 0) {
		admin_progress(admin, id, 0, 0, "making the authority's key");
		if (keygen_start(admins->keygen, AUTHORITY_KEY, on_authority_key, admins) == 0)
			return 0;
		error_set(err, "another key is being made: try again in a moment");
	}
	admin_end(admins);
	return -1;
}

/* Would posternctl have sent that? */
static bool
client_is_formed(const struct cc_client *client)
{
	char host[HOST_NAME_SIZE];

	return memchr(client->account, '\0', sizeof(client->account)) != NULL &&
	       client_account_valid(client->account) && admin_passphrase_ends(client->passphrase) &&
	       admin_passphrase_is_ascii(client->passphrase) &&
	       strlen(client->passphrase) >= CERT_PASSPHRASE_MIN &&
	       memchr(client->host, '\0', sizeof(client->host)) != NULL &&
	       address_parse_domain(client->host, strlen(client->host), host) == ADDRESS_OK &&
	       client->zero[0] == 0 && client->zero[1] == 0 && client->key >= CERT_KEY_RSA_2048 &&
	       client->key <= CERT_KEY_ED25519 && client->days >= 1 &&
	       client->days <= CERT_CLIENT_DAYS_MAX && client->legacy <= 1;
}

int
admin_client(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct admin *admin = context;
	struct admins *admins = admin->admins;
	struct error err;

	(void)channel;
	if (message->id == 0 || !client_is_formed(message->body))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	if ((admins->client = malloc(sizeof(*admins->client))) == NULL)
		return admin_result(admin, message->id, false, "no memory");
	memcpy(admins->client, message->body, sizeof(*admins->client));
	if (begin_client(admins, admin, message->id, &err) == -1) {
		forget(admins);
		return admin_result(admin, message->id, false, err.text);
	}
	return 0;
}

/* -- CC_REVOKE, CC_CLIENTS ------------------------------------------------------------ */

int
admin_revoke(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_revoke *revoke = message->body;
	const struct admin *admin = context;
	const struct authority_place place = place_of(admin->admins);
	char text[128];
	struct error err;
	int count;

	(void)channel;
	if (message->id == 0 || memchr(revoke->who, '\0', sizeof(revoke->who)) == NULL ||
	    revoke->zero[0] != 0 || revoke->zero[1] != 0 || revoke->zero[2] != 0 ||
	    !(client_account_valid(revoke->who) || client_serial_valid(revoke->who)))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	count = authority_revoke(&place, revoke->who, &err);
	if (count == 0)
		error_set(&err,
			  "%s: no valid certificate of that %s: posternctl cert clients lists them",
			  revoke->who, strchr(revoke->who, '@') != NULL ? "account" : "number");
	if (count <= 0)
		return admin_result(admin, message->id, false, err.text);
	snprintf(text, sizeof(text), "%d certificate%s revoked", count, count == 1 ? "" : "s");
	return admin_result(admin, message->id, true, text);
}

int
admin_clients(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const size_t most = CERT_DATA_MAX / sizeof(struct cert_client);
	const struct admin *admin = context;
	const struct authority_place place = place_of(admin->admins);
	struct client_index index;
	struct error err;

	(void)channel;
	if (message->id == 0)
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	if (authority_list(&place, &index, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	for (size_t done = 0; done < index.count; done += most) {
		size_t count = index.count - done < most ? index.count - done : most;

		admin_data(admin, message->id, 0, &index.list[done],
			   count * sizeof(struct cert_client));
	}
	client_index_free(&index);
	return admin_result(admin, message->id, true, "");
}
