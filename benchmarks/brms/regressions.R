# Stage 2 with brms, timed: the correlations and the training effects of a study folder.
#
#   Rscript regressions.R --data DIR --weights FILE [--out FILE] [--workers 2] [--chains 4]
#                         [--iterations 2000] [--seed 1]
#
# --weights is the file that `weights.R --out` writes. Every correlation is a Gaussian regression of
# standardised weights on standardised reports under brms' default priors, compiled once and
# refitted with update(); each training effect is the interaction model, whose slopes emmeans
# averages over base models with equal weights. `workers` chains run at a time.
# Prints one JSON object on stdout; everything else goes to stderr.

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "common.R"))

options_given <- read_options(list(
  data = NA_character_, weights = NA_character_, out = "", workers = 2, chains = 4,
  iterations = 2000, seed = 1
))
slopes <- paste0("d", 1:5)

standardise <- function(x) (x - mean(x)) / sd(x)

# Posterior means scaled so that the largest of a scenario is +-100, whole numbers, one row per
# scenario and attribute; standardised over the whole set, before anything is joined.
learned_weights <- function(weights, base, set) {
  own <- weights[weights$base_model == base & weights$set == set & weights$term %in% slopes, ]
  if (!nrow(own)) return(NULL)
  largest <- ave(abs(own$mean), own$scenario, FUN = max)
  data.frame(scenario = own$scenario, attribute = match(own$term, slopes),
             standardized_b = standardise(round(100 * own$mean / largest)))
}

# Mean report per scenario and attribute, standardised within one file: the two folds of
# introspection training are two explaining models.
reports_of_file <- function(file) {
  reports <- read_table(file)
  if (is.null(reports)) return(NULL)
  columns <- paste0("report_attr", 1:5)
  means <- aggregate(reports[columns], by = list(scenario = reports$scenario), FUN = mean)
  long <- data.frame(scenario = rep(means$scenario, 5),
                     attribute = rep(1:5, each = nrow(means)),
                     report = unlist(means[columns], use.names = FALSE))
  data.frame(long[c("scenario", "attribute")], standardized_reports = standardise(long$report))
}

report_pattern <- function(base, condition) {
  literal <- gsub("([.|()\\^{}+$*?]|\\[|\\])", "\\\\\\1", base)
  paste0("^", literal, switch(condition,
    "off-the-shelf" = "_weight_reports",
    "weight-trained" = "_instilled_weight_reports",
    "introspection-trained" = "_itrained_(first|last)_[0-9]+_of_[0-9]+_[0-9]+ex_weight_reports",
    "native before" = "_instilled_latent_weight_reports",
    "native after" = "_itrained_all_[0-9]+_[0-9]+ex_latent_weight_reports"
  ), "[.]csv$")
}

joined <- function(folder, weights, base, condition) {
  set <- if (startsWith(condition, "native")) "native" else "instilled"
  learned <- learned_weights(weights, base, set)
  files <- list.files(folder, pattern = report_pattern(base, condition), full.names = TRUE)
  reports <- do.call(rbind, lapply(files, reports_of_file))
  if (is.null(learned) || is.null(reports)) return(NULL)
  data.frame(merge(learned, reports, by = c("scenario", "attribute")), base_model = base,
             condition = condition, itrained = condition %in% c("introspection-trained",
                                                                "native after"))
}

summarise_draws <- function(name, term, draws, rows) {
  interval <- bayestestR::hdi(draws, ci = 0.95)
  data.frame(model = name, term = term, median = median(draws), mean = mean(draws),
             sd = sd(draws), hdi_low = interval$CI_low, hdi_high = interval$CI_high, n = rows)
}

sample_settings <- list(chains = options_given$chains, iter = options_given$iterations,
                        cores = options_given$workers, seed = options_given$seed, refresh = 0)

correlation <- function(template, data) {
  fit <- if (is.null(template)) {
    do.call(brm, c(list(standardized_b ~ standardized_reports, data = data), sample_settings))
  } else {
    do.call(update, c(list(template, newdata = data, recompile = FALSE), sample_settings))
  }
  draws <- as.matrix(fit, variable = "b_standardized_reports")[, 1]
  name <- paste(data$condition[1], data$base_model[1])
  list(fit = fit, table = summarise_draws(name, "slope", draws, nrow(data)))
}

# Contrast of the slopes after and before introspection training, with the base models weighing
# the same however many rows each has.
training_effect <- function(template, data, name) {
  several <- length(unique(data$base_model)) > 1
  fit <- if (!is.null(template)) {
    do.call(update, c(list(template, newdata = data, recompile = FALSE), sample_settings))
  } else if (several) {
    do.call(brm, c(list(standardized_b ~ standardized_reports * itrained * base_model,
                        data = data), sample_settings))
  } else {
    do.call(brm, c(list(standardized_b ~ standardized_reports * itrained, data = data),
                   sample_settings))
  }
  trends <- emmeans::emtrends(fit, "itrained", var = "standardized_reports", weights = "equal")
  draws <- as.matrix(coda::as.mcmc(trends))
  difference <- draws[, grep("TRUE", colnames(draws))] - draws[, grep("FALSE", colnames(draws))]
  list(fit = fit, table = summarise_draws(name, "after - before", difference, nrow(data)))
}

start <- proc.time()[["elapsed"]]
weights <- read.csv(options_given$weights, stringsAsFactors = FALSE)
conditions <- c("weight-trained", "off-the-shelf", "introspection-trained", "native before",
                "native after")
cells <- list()
for (condition in conditions) for (base in base_models(options_given$data)) {
  cell <- joined(options_given$data, weights, base, condition)
  if (!is.null(cell)) cells[[paste(condition, base)]] <- cell
}
if (!length(cells)) stop("no reports in ", options_given$data, call. = FALSE)

correlations_start <- proc.time()[["elapsed"]]
tables <- list()
template <- NULL
for (cell in cells) {
  result <- correlation(template, cell)
  if (is.null(template)) template <- result$fit
  tables <- c(tables, list(result$table))
}
correlations_seconds <- seconds_since(correlations_start)

effects_start <- proc.time()[["elapsed"]]
template <- NULL
effects <- list("training effect, learned" = c("weight-trained", "introspection-trained"),
                "training effect, native" = c("native before", "native after"))
for (name in names(effects)) {
  data <- do.call(rbind, Filter(function(cell) cell$condition[1] %in% effects[[name]], cells))
  if (is.null(data) || length(unique(data$itrained)) < 2) next
  result <- training_effect(template, data, name)
  if (is.null(template)) template <- result$fit
  tables <- c(tables, list(result$table))
}
effects_seconds <- seconds_since(effects_start)

results <- do.call(rbind, tables)
if (nzchar(options_given$out)) write.csv(results, options_given$out, row.names = FALSE)

print_json(list(
  step = "regressions", seconds = seconds_since(start),
  correlations_seconds = correlations_seconds, effects_seconds = effects_seconds,
  fits = nrow(results), workers = options_given$workers, chains = options_given$chains,
  iterations = options_given$iterations, versions = versions()
))
