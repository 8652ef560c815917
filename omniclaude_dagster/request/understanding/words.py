"""Nouns, systems, domains, features and function words of node requests, as data.

Only tables live here. Verbs live in `verbs.py`; how a kind follows from cues lives in `kind.py`.
"""

from omniclaude_dagster.request.model import NodeKind

KIND_WORDS: dict[str, NodeKind] = {kind.value.lower(): kind for kind in NodeKind}

# canonical name -> words and two-word phrases that mean it
SYSTEMS: dict[str, tuple[str, ...]] = {
    "PostgreSQL": ("postgresql", "postgres", "postgre", "pg", "psql", "pgsql", "asyncpg", "psycopg", "timescaledb"),
    "MySQL": ("mysql", "mariadb"),
    "SQLite": ("sqlite", "sqlite3"),
    "Redis": ("redis", "valkey"),
    "Memcached": ("memcached", "memcache"),
    "Kafka": ("kafka", "redpanda"),
    "RabbitMQ": ("rabbitmq", "amqp", "rabbit mq"),
    "NATS": ("nats",),
    "MQTT": ("mqtt",),
    "S3": ("s3", "minio", "object storage", "object store"),
    "GCS": ("gcs", "cloud storage"),
    "HTTP API": (
        "http", "https", "rest", "restful", "api", "apis", "webhook", "webhooks", "endpoint", "endpoints",
        "graphql", "fastapi", "http api", "rest api",
    ),
    "gRPC": ("grpc",),
    "WebSocket": ("websocket", "websockets"),
    "SMTP": ("smtp", "mail server", "mailserver", "email server"),
    "IMAP": ("imap",),
    "MongoDB": ("mongodb", "mongo", "pymongo"),
    "DynamoDB": ("dynamodb", "dynamo"),
    "Cassandra": ("cassandra", "scylladb"),
    "Neo4j": ("neo4j",),
    "ClickHouse": ("clickhouse",),
    "BigQuery": ("bigquery",),
    "Snowflake": ("snowflake",),
    "Elasticsearch": ("elasticsearch", "elastic", "opensearch"),
    "Qdrant": ("qdrant",),
    "Consul": ("consul",),
    "Vault": ("vault", "hashicorp vault"),
    "LDAP": ("ldap",),
    "SFTP": ("sftp", "ftp", "ftps"),
    "SSH": ("ssh",),
    "Files": (
        "file", "files", "disk", "filesystem", "file system", "directory", "directories", "folder", "folders",
    ),
}  # fmt: skip

# How a system is written inside a name.
SYSTEM_NAMES: dict[str, str] = {"HTTP API": "Api", "Files": "File", "gRPC": "Grpc", "Neo4j": "Neo4j"}

DOMAINS: dict[str, tuple[str, ...]] = {
    "cache_services": ("cache", "caches", "caching", "redis", "memcached", "session"),
    "auth_services": (
        "auth", "authentication", "authenticate", "authenticates", "authorization", "permission", "permissions",
        "login", "oauth", "jwt", "password", "passwords",
    ),
    "notification": ("email", "emails", "mail", "mails", "smtp", "notification", "notifications", "notify", "sms"),
    "messaging": ("kafka", "rabbitmq", "message", "messages", "topic", "queue", "publish", "publishes", "mqtt", "nats"),
    "analytics": (
        "analytics", "metrics", "metric", "statistics", "stats", "kpi", "report", "dashboard", "impressions", "clicks",
    ),
    "payment_services": (
        "payment", "payments", "invoice", "invoices", "billing", "refund", "refunds", "checkout", "donations",
        "transactions", "loan",
    ),
    "pricing": ("price", "prices", "pricing", "discount", "discounts", "tax", "vat"),
    "order_services": ("order", "orders", "fulfillment", "fulfilment", "shipment", "shipments", "shipping"),
    "inventory": ("inventory", "stock", "warehouse"),
    "data_services": (
        "database", "databases", "db", "sql", "postgresql", "postgres", "mysql", "sqlite", "mongodb", "crud",
        "table", "record", "records", "elasticsearch",
    ),
    "storage": ("s3", "bucket", "file", "files", "disk", "upload", "uploads"),
    "workflow_services": ("workflow", "workflows", "saga", "pipeline", "onboarding"),
    "api_gateway": ("api", "apis", "http", "rest", "endpoint", "endpoints", "webhook", "gateway", "graphql"),
}  # fmt: skip

FEATURES: dict[str, tuple[str, ...]] = {
    "retry": ("retry", "retries", "retrying", "retried", "try again", "three times", "backoff"),
    "transaction": ("transaction support", "transactional", "atomic", "atomically", "rollback", "roll back", "commit"),
    "caching": ("cache", "caches", "caching", "cached", "memoize"),
    "idempotent": ("idempotent", "idempotency", "exactly once", "twice"),
    "validation": ("validate", "validates", "validation", "validating", "check constraints"),
    "logging": ("log", "logs", "logging", "audit"),
    "metrics": ("prometheus", "metrics", "instrumentation", "telemetry"),
    "batching": ("batch", "batches", "batching", "bulk", "chunks"),
    "pagination": ("pagination", "paginate", "paginated", "page by page", "pages of"),
    "circuit_breaker": ("circuit breaker", "circuit-breaker"),
    "failover": ("failover", "fail over", "fails over", "backup host", "secondary host"),
    "load_balancing": ("load balancing", "load-balancing", "load balancer", "round robin", "round-robin"),
    "authentication": (
        "authentication", "authenticate", "authenticates", "authenticated", "oauth", "jwt", "api key", "bearer token",
    ),
    "timeout": ("timeout", "timeouts", "time out", "times out", "deadline"),
    "rate_limiting": ("rate limit", "rate limiting", "rate-limit", "rate-limiting", "throttle", "throttling"),
    "error_handling": ("error handling", "handles errors", "handle errors"),
    "async": ("async", "asynchronous", "asynchronously"),
    "parallel": ("in parallel", "parallel", "concurrently"),
    "compensation": ("compensate", "compensates", "compensation", "saga", "undo"),
    "encryption": ("encrypt", "encrypts", "encrypted", "encryption", "tls"),
    "attachments": ("attachment", "attachments"),
    "event_emission": ("emits intents", "intent emission", "emit intents", "emits events"),
    "fsm": ("fsm", "state machine", "state transitions"),
}  # fmt: skip

DETERMINERS = frozenset(
    "a an the this that these those my our your his her its their each every all any some both several multiple many "
    "various one two three another other such no".split()
)
PREPOSITIONS = frozenset(
    "to from in into on onto via over with without by for of at through under between across against about after "
    "before during per using based within toward towards as like upon until till out up than when while whenever if "
    "so because than according where whether since unless once off along behind among except".split()
)
CONJUNCTIONS = frozenset("and or but then plus nor & also".split())
RELATIVES = frozenset("that which who whose what where how why".split())
PRONOUNS = frozenset(
    "i we you he she it they me us him them nobody everyone someone something anything nothing".split()
)
AUXILIARIES = frozenset(
    "should must will shall can could may might would needs need want wants has have had is are was were be been being "
    "do does did doesn't don't isn't aren't i'd i'm we'd let lets let's please also just always never only not "
    "it's who's we've gets".split()
)
FILLERS = frozenset(
    "new old incoming outgoing existing given raw simple small basic single whole entire generic certain different "
    "external internal custom own async asynchronous synchronous automatic complete nightly daily hourly weekly "
    "monthly yearly known latest somewhere partial current obsolete expired full live real good nice "
    "robust reliable fast quick proper enhanced advanced "
    "multi-step multistep step-by-step right next last first second third end-to-end onex".split()
)
# Words that say that something is wanted, not what.
GENERIC_NOUNS = frozenset(
    "node nodes something thing things stuff module component service services operation operations op ops support "
    "logic functionality feature features system systems task tasks job piece bit code program tool script app "
    "application anything everything somebody work way "
    "solution backend project implementation".split()
)
CREATE_VERBS = frozenset(
    "create creates make build generate implement write develop add design need want have set like get give code "
    "scaffold produce prepare program construct provide require call".split()
)
STOP_WORDS = DETERMINERS | PREPOSITIONS | CONJUNCTIONS | RELATIVES | PRONOUNS | AUXILIARIES

# Written with inner capitals, yet no names for a node.
PRODUCT_WORDS = frozenset(
    "postgresql mysql sqlite mongodb rabbitmq dynamodb bigquery clickhouse timescaledb mariadb scylladb "
    "fastapi graphql "
    "grpc javascript typescript github gitlab openai numpy scipy pytorch tensorflow cloudwatch websocket websockets "
    "oauth oauth2 iphone ios macos youtube linkedin paypal whatsapp wordpress sendgrid hubspot salesforce "
    "pagerduty datadog opensearch elasticsearch onex omniclaude omninode json csv xml yaml html pdf sql uuid "
    "nosql restful mlops devops id ids vllm pytest pydantic sqlalchemy asyncio kyc iban vat sku api apis url urls pdfs "
    "http https rest smtp sftp ftp ssh crud s3 sla fsm jwt sms utf8 ascii iso utc ip eu us usa gdpr cpu "
    "gpu ram ssl tls "
    "etl rpc tcp udp dns ui ux cli sdk ci cd qa hr crm erp pii otp totp mfa sso saml ldap md5 sha256 sha1 base64 hmac "
    "aws gcp stripe slack twilio".split()
)

UNCOUNTABLE_S = frozenset(
    "statistics analytics metrics news status address process progress access sales kubernetes redis series business "
    "gross bonus campus virus https dns sms aws analysis basis postgres class pass loss chess atlas canvas stats "
    "less tens address tls is has was this its credentials kss goods".split()
)

ACRONYMS = frozenset(
    "api http https rest sql json csv xml html pdf url uuid crud s3 smtp sms jwt id ip vat iban kyc kpi sla sftp ftp "
    "ssh ldap grpc sku etl pii crm erp usd eur gps iso yaml".split()
)
