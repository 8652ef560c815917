"""The verbs of node requests as data: what each says about the node's kind, and its doer (`write` -> `Writer`).

Only tables live here; looking words up (inflections, spelling, typing errors) lives in `lexicon.py`.

A row is `lemma | doer | weights | further forms | nouns`: weights are `E`, `C`, `R`, `O` (the four kinds) with a
number in half points of evidence; regular inflections are derived; nouns name the act (`calculation`).
"""

VERB_ROWS = """
write | Writer | E4 | wrote written | writes
save | Saver | E4
store | Writer | E4 | | storage
persist | Persister | E4 | | persistence
insert | Inserter | E4 | | inserts insertion insertions
upsert | Upserter | E4 | | upserts
delete | Deleter | E4 | | deletes deletion deletions
remove | Remover | E2 | | removal
purge | Purger | E4
update | Updater | E3 | | updates
send | Sender | E4 | sent | sends
email | EmailSender | E4 | | emailing
mail | MailSender | E4 | | mailing
text | TextSender | E2
notify | Notifier | E4 | | notification
alert | Alerter | E3 | | alerting
publish | Publisher | E4 | | publication
emit | Emitter | E3 | | emission
broadcast | Broadcaster | E4
upload | Uploader | E4 | | uploads
download | Downloader | E4 | | downloads
fetch | Fetcher | E4
get | Getter | E1 | got gotten
patch | Patcher | E3 | | patches
put | Putter | E1
read | Reader | E3 | | reads
load | Loader | E3
dump | Dumper | E3
query | Client | E4 | | queries
call | Client | E3 | | calls
request | Client | E3 | | requests
ping | Pinger | E4
post | Poster | E4
push | Pusher | E4
pull | Puller | E3
poll | Poller | E4
subscribe | Subscriber | E4 | | subscription
consume | Consumer | E4 | | consumption
listen | Listener | E4
receive | Receiver | E2
ingest | Ingester | E4 | | ingestion
log | Logger | E2
append | Appender | E4
print | Printer | E2
cache | Cache | E3
archive | Archiver | E4
backup | Backup | E4
export | Exporter | E4 | | exports
import | Importer | E4 | | imports
sync | Syncer | E4 | | synchronisation synchronization
synchronize | Synchronizer | E4
connect | Connector | E3 | | connection
scrape | Scraper | E4
crawl | Crawler | E4
stream | Streamer | E3
copy | Copier | E3
move | Mover | E3
rename | Renamer | E3
forward | Forwarder | E3
deliver | Deliverer | E3 | | delivery
retrieve | Retriever | E4 | | retrieval
record | Recorder | E2
register | Registrar | E2 | | registration
expire | Expirer | E2 | | expiry
index | Indexer | E4 | | indexing
watch | Watcher | E2
monitor | Monitor | E2 | | monitoring
serve | Server | E2
charge | Charger | E3
pay | Payer | E2 | paid
book | Booker | E2
reserve | Reserver | E2
refund | Refunder | E2
ship | Shipper | E2
restock | Restocker | E2
release | Releaser | E1
interact | Client | E2 | | interaction
talk | Client | E2
communicate | Client | E3 | | communication
invoke | Invoker | E2 | | invocation
trigger | Trigger | E2
lookup | Lookup | E3
search | Searcher | E2
migrate | Migrator | E2 | | migration
replicate | Replicator | E4 | | replication
mirror | Mirror | E4
mount | Mounter | E3
transfer | Transferer | E3
grab | Grabber | E4
drop | Dropper | E2
tell | Notifier | C0
ask | Client | E1

calculate | Calculator | C4 | | calculation calculations
compute | Calculator | C4 | | computation computations
transform | Transformer | C4 | | transformation transformations
convert | Converter | C4 | | conversion conversions
translate | Translator | C4 | | translation
parse | Parser | C4
validate | Validator | C4 | | validation validations
verify | Verifier | C4 | | verification
check | Checker | C3 | | checks
format | Formatter | C4 | | formatting
normalize | Normalizer | C4 | | normalization
score | Scorer | C4
rank | Ranker | C4
rate | Rater | C3
grade | Grader | C4
classify | Classifier | C4 | | classification
categorize | Categorizer | C4 | | categorization
label | Labeler | C3
filter | Filter | C3
sort | Sorter | C4
encode | Encoder | C4
decode | Decoder | C4
hash | Hasher | C4
encrypt | Encrypter | C3 | | encryption
decrypt | Decrypter | C3 | | decryption
compress | Compressor | C3 | | compression
extract | Extractor | C3 | | extraction
compare | Comparer | C4 | | comparison
match | Matcher | C4
detect | Detector | C4 | | detection
estimate | Estimator | C4 | | estimation
predict | Predictor | C4 | | prediction
forecast | Forecaster | C4
tokenize | Tokenizer | C4 | | tokenization
render | Renderer | C3
map | Mapper | C3 | | mapping
round | Rounder | C4
derive | Deriver | C4 | | derivation
determine | Determiner | C4 | | determination
decide | Decider | C2 | | decision
clean | Cleaner | C3
cleanse | Cleanser | C4
sanitize | Sanitizer | C4
mask | Masker | C4
redact | Redactor | C4
anonymize | Anonymizer | C4
split | Splitter | C4
evaluate | Evaluator | C4 | | evaluation
infer | Inferrer | C4 | | inference
diff | Differ | C4
slugify | Slugger | C4
analyze | Analyzer | C3 | analyse analysed analyses analysing | analysis
discount | Discounter | C3
apply | Applier | C3 R1
multiply | Multiplier | C4
divide | Divider | C4
add | Adder | C1 | | addition
subtract | Subtractor | C4
interpolate | Interpolator | C4 | | interpolation
simulate | Simulator | C4 | | simulation
optimize | Optimizer | C3 | | optimization
serialize | Serializer | C4 | | serialization
deserialize | Deserializer | C4 | | deserialization
lowercase | Lowercaser | C4
uppercase | Uppercaser | C4
capitalize | Capitalizer | C4
reverse | Reverser | C4
count | Counter | R3 C1 | | counts
truncate | Truncator | C3
strip | Stripper | C3
trim | Trimmer | C4
escape | Escaper | C4
resize | Resizer | C3
highlight | Highlighter | C3
recommend | Recommender | C3 | | recommendation
solve | Solver | C4
find | Finder | C2 | found
return | Returner | C1
output | Writer | C0
generate | Generator | C1 | | generation
assess | Assessor | C4 | | assessment
measure | Measurer | C3 | | measurement
quantify | Quantifier | C4
annotate | Annotator | C3
enrich | Enricher | C2 | | enrichment
price | Pricer | C3 | | pricing

aggregate | Aggregator | R5 | | aggregation aggregations
combine | Combiner | R4 | | combination
merge | Merger | R4
sum | Totaler | R3 C1 | | summation
tally | Tally | R4
total | Totaler | R3
accumulate | Accumulator | R5 | | accumulation
consolidate | Consolidator | R5 | | consolidation
reduce | Reducer | R4 | | reduction
collapse | Collapser | R4
collect | Collector | R3 | | collection
gather | Gatherer | R2
group | Grouper | R4 | | grouping
deduplicate | Deduplicator | R4 | dedupe deduped dedupes deduping | deduplication
summarize | Summarizer | R3 C1 | | summarization
fold | Folder | R4
average | Averager | R2 C2
track | Tracker | R4 | | tracking
maintain | Maintainer | R3
keep | Keeper | R1 | kept
remember | Keeper | R2
unify | Unifier | R3 | | unification
join | Joiner | R2
reconcile | Reconciler | R2 C1 | | reconciliation
materialize | Materializer | R3
project | Projector | R2 | | projection

coordinate | Coordinator | O5 | | coordination
orchestrate | Coordinator | O6 | | orchestration
sequence | Sequencer | O4 | | sequencing
choreograph | Choreographer | O5
schedule | Scheduler | O2 | | scheduling
chain | Chain | O4 | | chaining
drive | Driver | O3 | drove driven
manage | Manager | O3 | | management
run | Runner | O2 | ran
execute | Executor | O1 | | execution
automate | Automation | O3 | | automation
supervise | Supervisor | O4 | | supervision
dispatch | Dispatcher | O1 E1
delegate | Dispatcher | O3 | | delegation
route | Router | O1 C1 | | routing
launch | Launcher | O1
wait | Waiter | O2
approve | Approver | O1 | | approval
compensate | Compensator | O4 | | compensation
oversee | Overseer | O4
guide | Guide | O2
onboard | Onboarding | O2 | | onboarding

process | Processor | C1 | | processing
handle | Handler | E0 | | handling
create | Creator | E1 | | creation
make | Maker | E0 | made
build | Builder | E0 | built
use | User | E0
do | Doer | E0 | did done does
support | Supporter | E0
retry | Retrier | E0 | | retries
authenticate | Authenticator | E2 C1 | | authentication
authorize | Authorizer | C2 | | authorization
sign | Signer | E0
deploy | Deployer | E2 | | deployment
test | Tester | E0
review | Reviewer | O1
report | Reporter | E0 | | reporting
assign | Assigner | E1 | | assignment
open | Opener | E0
close | Closer | E0
start | Starter | E0
stop | Stopper | O0
set | Setter | E0
show | Presenter | E0
give | Provider | E0 | gave given
return-value | Returner | C0
take | Taker | C0 | took taken
turn | Converter | C0
rewrite | Rewriter | C3 | rewrote rewritten
replace | Replacer | C2 | | replacement
produce | Producer | E1 | | production
provide | Provider | E0
confirm | Confirmer | E0 | | confirmation
inspect | Inspector | C2 | | inspection
scan | Scanner | E1 C1
work | Worker | E0
figure | Calculator | E0
roll | Roller | E0
look | Finder | E0
kick | Starter | E0
back | Backup | E0
hand | Provider | E0
walk | Walker | E0
capture | Capturer | E2
enqueue | Enqueuer | E4
dequeue | Dequeuer | E4
acknowledge | Acknowledger | E2
submit | Submitter | E3 | | submission
revoke | Revoker | E3 | | revocation
lock | Locker | E2
provision | Provisioner | E3
restart | Restarter | E3
reboot | Rebooter | E3
flush | Flusher | E3
evict | Evictor | E3
invalidate | Invalidator | E3
populate | Populator | E3
seed | Seeder | E3
clone | Cloner | E3
announce | Announcer | E2 | | announcement
remind | Reminder | E3
transmit | Transmitter | E4 | | transmission
relay | Relay | E4
tweet | Tweeter | E4
subtotal | Totaler | R2
cancel | Canceler | E1 | | cancellation
commit | Committer | E1
sweep | Sweeper | E2
pad | Padder | C3
flatten | Flattener | C4
chunk | Chunker | C4
intersect | Intersector | C4 | | intersection
scale | Scaler | C3
minify | Minifier | C4
prettify | Prettifier | C4
abbreviate | Abbreviator | C4
simplify | Simplifier | C4
cluster | Clusterer | C4 | | clustering
segment | Segmenter | C3 | | segmentation
correlate | Correlator | C3 | | correlation
approximate | Approximator | C4 | | approximation
invert | Inverter | C4
factorize | Factorizer | C4 | | factorization
prorate | Prorater | C4
amortize | Amortizer | C4 | | amortization
lemmatize | Lemmatizer | C4
stem | Stemmer | C3
permute | Permuter | C4 | | permutation
interpret | Interpreter | C3 | | interpretation
reformat | Reformatter | C4
say | Checker | C2 | said
flag | Flagger | C3
distinguish | Distinguisher | C4
recognize | Recognizer | C4 | | recognition
identify | Identifier | C3 | | identification
exceed | Checker | C0
overlap | Checker | C2
pool | Pooler | R3
amass | Accumulator | R4
compact | Compactor | R4 | | compaction
condense | Condenser | R4 | | condensation
distill | Distiller | R3
replay | Replayer | R3
fuse | Fuser | R4 | | fusion
bundle | Bundler | R2
stitch | Stitcher | R3
compile | Compiler | R2 | | compilation
tot | Totaler | R3
steer | Steerer | O4
conduct | Conductor | O3
lead | Leader | O2 | led
facilitate | Facilitator | O3 | | facilitation
administer | Administrator | O3
arrange | Arranger | O2
escalate | Escalator | O2 | | escalation
parallelize | Parallelizer | O3
tie | Coordinator | O1
wire | Coordinator | O1
glue | Coordinator | O2
string | Coordinator | O0
step | Coordinator | O0
bring | Bringer | E0 | brought
guess | Estimator | C3
spot | Detector | C3
suggest | Suggester | C3
choose | Chooser | C3 | chose chosen
pick | Picker | C3

inform | Notifier | E2
warn | Alerter | E2 | | warning
"""

# Verb and particle -> the verb it means.
PHRASAL_VERBS = {
    ("work", "out"): "calculate",
    ("figure", "out"): "determine",
    ("roll", "up"): "aggregate",
    ("sum", "up"): "sum",
    ("add", "up"): "sum",
    ("total", "up"): "total",
    ("back", "up"): "backup",
    ("look", "up"): "lookup",
    ("kick", "off"): "launch",
    ("fire", "off"): "send",
    ("send", "out"): "send",
    ("pull", "in"): "fetch",
    ("hand", "back"): "return",
    ("give", "back"): "return",
    ("clean", "up"): "clean",
    ("split", "up"): "split",
    ("keep", "track"): "track",
    ("keep", "count"): "count",
    ("keep", "total"): "accumulate",
    ("keep", "score"): "tally",
    ("look", "in"): "lookup",
    ("keep", "tally"): "tally",
    ("keep", "average"): "accumulate",
    ("turn", "into"): "convert",
    ("walk", "through"): "coordinate",
    ("build", "up"): "accumulate",
    ("tie", "together"): "coordinate",
    ("wire", "together"): "coordinate",
    ("wire", "up"): "coordinate",
    ("glue", "together"): "coordinate",
    ("string", "together"): "coordinate",
    ("step", "through"): "coordinate",
    ("lead", "through"): "coordinate",
    ("guide", "through"): "coordinate",
    ("take", "through"): "coordinate",
    ("bring", "together"): "combine",
    ("put", "together"): "combine",
    ("tot", "up"): "sum",
    ("tally", "up"): "tally",
    ("boil", "down"): "condense",
}
