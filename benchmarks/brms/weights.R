# Stage 1 with brms, timed: one Bayesian logistic regression per scenario of a study folder.
#
#   Rscript weights.R --data DIR [--out FILE] [--workers 2] [--chains 4] [--iterations 2000]
#                     [--seed 1] [--limit 0]
#
# The model is compiled once and refitted with update() for every scenario, `workers` at a time
# (forked processes, each running its chains one after the other). Half the iterations are warm-up.
# --out writes the posterior means and sds, R-hat and bulk ESS; --limit N stops after N scenarios of
# each set.
# Prints one JSON object on stdout, with the seconds it took; everything else goes to stderr.

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))

options_given <- read_options(list(
  data = NA_character_, out = "", workers = 2, chains = 4, iterations = 2000, seed = 1, limit = 0
))

# One row per trial: `chose_a` and the five differences between the options, each as a share of
# the attribute's range.
choices_of_set <- function(folder, base, set, scenarios) {
  choices <- read_table(choices_file(folder, base, set))
  if (is.null(choices)) return(NULL)
  row <- match(choices$scenario, scenarios$scenario)
  if (anyNA(row)) stop("a scenario is not in scenarios.csv: ", choices$scenario[is.na(row)][1])
  d <- vapply(1:5, function(i) {
    range <- scenarios[[paste0("attr", i, "_max")]] - scenarios[[paste0("attr", i, "_min")]]
    a <- choices[[paste0("A_attribute_", i)]]
    b <- choices[[paste0("B_attribute_", i)]]
    (a - b) / range[row]
  }, numeric(nrow(choices)))
  colnames(d) <- paste0("d", 1:5)
  data.frame(base_model = base, set = set, scenario = choices$scenario,
             chose_a = as.integer(choices$selection == "A"), d, stringsAsFactors = FALSE)
}

# Slopes have the paper's prior; the intercept keeps brms' own default.
first_fit <- function(data, chains, iterations, seed) {
  brm(chose_a ~ d1 + d2 + d3 + d4 + d5, data = data, family = bernoulli(),
      prior = set_prior("normal(0, 1)", class = "b"),
      chains = chains, iter = iterations, cores = 1, seed = seed, refresh = 0)
}

summarise_fit <- function(fit, data) {
  draws <- as.matrix(fit, variable = c("b_Intercept", paste0("b_d", 1:5)))
  sampler <- nuts_params(fit, pars = "divergent__")
  data.frame(base_model = data$base_model[1], set = data$set[1], scenario = data$scenario[1],
             term = c("Intercept", paste0("d", 1:5)),
             mean = colMeans(draws), sd = apply(draws, 2, sd),
             rhat = rhat(fit)[c("b_Intercept", paste0("b_d", 1:5))],
             ess_bulk = apply(as.array(fit, variable = colnames(draws)), 3, posterior::ess_bulk),
             divergences = sum(sampler$Value), row.names = NULL)
}

start <- proc.time()[["elapsed"]]
scenarios <- read_table(file.path(options_given$data, "scenarios.csv"))
if (is.null(scenarios)) stop("no scenarios.csv in ", options_given$data, call. = FALSE)

datasets <- list()
for (base in base_models(options_given$data)) for (set in c("instilled", "native")) {
  choices <- choices_of_set(options_given$data, base, set, scenarios)
  if (is.null(choices)) next
  names_in_order <- unique(choices$scenario)
  if (options_given$limit > 0) names_in_order <- head(names_in_order, options_given$limit)
  datasets <- c(datasets, lapply(names_in_order, function(s) choices[choices$scenario == s, ]))
}
if (!length(datasets)) stop("no choices in ", options_given$data, call. = FALSE)
read_seconds <- seconds_since(start)

compile_start <- proc.time()[["elapsed"]]
compiled <- first_fit(datasets[[1]], options_given$chains, options_given$iterations,
                      options_given$seed)
compile_seconds <- seconds_since(compile_start)

fit_start <- proc.time()[["elapsed"]]
summaries <- parallel::mclapply(seq_along(datasets), function(i) {
  data <- datasets[[i]]
  fit <- update(compiled, newdata = data, recompile = FALSE, chains = options_given$chains,
                iter = options_given$iterations, cores = 1, seed = options_given$seed + i,
                refresh = 0)
  summarise_fit(fit, data)
}, mc.cores = options_given$workers, mc.preschedule = TRUE)
broken <- vapply(summaries, inherits, logical(1), what = "try-error")
if (any(broken)) stop("a fit failed: ", summaries[[which(broken)[1]]])
weights <- do.call(rbind, summaries)
fit_seconds <- seconds_since(fit_start)

if (nzchar(options_given$out)) write.csv(weights, options_given$out, row.names = FALSE)

print_json(list(
  step = "weights", seconds = seconds_since(start), read_seconds = read_seconds,
  compile_seconds = compile_seconds, fit_seconds = fit_seconds, fits = length(datasets),
  workers = options_given$workers, chains = options_given$chains,
  iterations = options_given$iterations, largest_rhat = max(weights$rhat),
  divergences = sum(weights$divergences[weights$term == "d1"]), versions = versions()
))
