//! Snapshots of expansions.

mod unfinished;

use proc_macro2::TokenStream;
use quote::quote;

use crate::pipeline;

#[test]
fn a_handler_is_registered_with_its_names_and_types() {
    let expanded = pipeline::service(
        quote!(channel = "calc"),
        quote! {
            pub trait Calc {
                async fn div(&self, context: Context, a: i64, b: &str) -> Result<i64, CalcError>;
            }
        },
    );
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn blocking_and_spawned_handlers_are_answered_by_their_own_methods() {
    let expanded = pipeline::handlers(
        quote!(channel = "calc"),
        quote! {
            impl Desk {
                #[ws(blocking)]
                fn hash(&self, context: Context, text: &str) -> u64 {
                    0
                }
                #[ws(event, spawn)]
                async fn index(&self, pages: Vec<String>) {}
            }
        },
    );
    let expanded = pretty(expanded);
    let (before, shims) = expanded.split_once("fn methods").expect("the shims are there");
    assert!(!before.contains("#[ws"), "{before}");
    let (shims, _) = shims.split_once("/// Calls").expect("a proxy follows");
    insta::assert_snapshot!(shims);
}

#[test]
fn a_returned_stream_is_run_by_a_producer() {
    let expanded = pipeline::service(
        quote!(channel = "calc"),
        quote! {
            pub trait Calc {
                async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
            }
        },
    );
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn a_result_of_a_stream_of_results_keeps_both_error_types() {
    let expanded = pipeline::handlers(
        quote!(channel = "logs"),
        quote! {
            impl Logs {
                #[ws(on_full = "drop_oldest")]
                fn tail(&self, context: Context, file: &str) -> io::Result<impl Stream<Item = Result<Line, LogError>>> {
                    todo!()
                }
            }
        },
    );
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn parameters_of_a_channel_are_given_to_the_proxy_and_not_sent() {
    let expanded = pipeline::service(
        quote!(channel = "doc/{id}/of/{owner}"),
        quote! {
            pub trait Doc {
                async fn write(&self, owner: &str, line: u32, id: DocId, text: String) -> u64;
                #[ws(event)]
                async fn touch(&self);
            }
        },
    );
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn an_event_says_in_its_proxy_what_happens_at_a_full_queue() {
    let expanded = pipeline::service(
        TokenStream::new(),
        quote! {
            trait Market {
                #[ws(event)]
                async fn opened(&self);
                #[ws(event, on_full = "wait")]
                async fn traded(&self);
                #[ws(event, on_full = "drop")]
                async fn moved(&self);
                #[ws(event, on_full = "close")]
                async fn billed(&self);
                #[ws(event, on_full = "latest")]
                async fn index(&self, points: f64);
                #[ws(event, on_full = "latest", key = "type")]
                async fn price(&self, context: Context, at: u64, r#type: &str);
            }
        },
    );
    let expanded = pretty(expanded);
    assert!(!expanded.contains("#[ws"), "{expanded}");
    let events: Vec<_> =
        expanded.lines().map(str::trim).filter(|line| line.contains("emit") || line.contains("Latest")).collect();
    insta::assert_snapshot!(events.join("\n"), @"
    call.emit()
    call.emit_on_full(::wswrapper::__private::EventPolicy::Wait)
    call.emit_on_full(::wswrapper::__private::EventPolicy::Drop)
    call.emit_on_full(::wswrapper::__private::EventPolicy::Close)
    call.emit_on_full(
    ::wswrapper::__private::EventPolicy::Latest(
    ::wswrapper::__private::LatestBy::Event,
    call.emit_on_full(
    ::wswrapper::__private::EventPolicy::Latest(
    ::wswrapper::__private::LatestBy::Argument(1usize),
    ");
}

#[test]
fn an_upload_is_not_decoded_from_the_call() {
    let expanded = pipeline::service(
        TokenStream::new(),
        quote! {
            trait Calc {
                async fn sum(
                    &self, context: Context, a: i64, numbers: Upload<i64>, unit: &str
                ) -> Result<i64, CalcError>;
                async fn collect(&self, parts: Upload<Part, PartError>);
            }
        },
    );
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn requests_of_idempotent_methods_may_be_sent_again() {
    let expanded = pipeline::service(
        TokenStream::new(),
        quote! {
            trait Shop {
                async fn order(&self) -> u32;
                #[ws(idempotent)]
                async fn price(&self) -> Result<u32, ShopError>;
                #[ws(idempotent, on_full = "latest")]
                async fn prices(&self) -> impl Stream<Item = u32> + Send;
                #[ws(idempotent, name = "basket")]
                async fn cart(&self) -> Scoped<dyn Cart>;
            }
        },
    );
    let expanded = pretty(expanded);
    assert!(!expanded.contains("#[ws"), "{expanded}");
    let requests: Vec<_> = expanded.lines().map(str::trim).filter(|line| line.contains("request()")).collect();
    insta::assert_snapshot!(requests.join("\n"), @"
    call.request()
    call.idempotent_request()
    call.idempotent_request()
    call.idempotent_request()
    ");
}

#[test]
fn guards_follow_their_method_with_those_of_the_trait_first() {
    let expanded = pipeline::service(
        quote!(channel = "shop", guard = user, guard = "crate::rights::Open"),
        quote! {
            trait Shop {
                #[ws(guard = <Admin as Role<u8, fn() -> u8>>::check::<A, B>, event, guard = rate)]
                #[ws(guard = self::small)]
                #[cfg(feature = "stock")]
                async fn stock(&self);
                fn price(&self) -> u32;
            }
        },
    );
    let expanded = pretty(expanded);
    assert!(!expanded.contains("#[ws"), "{expanded}");
    let (_, registration) =
        expanded.split_once("fn __add_ws_service_above_this_trait").expect("the methods are registered");
    let (registration, _) = registration.split_once("\nimpl").expect("the contract follows");
    insta::assert_snapshot!(registration);
}

#[test]
fn guards_of_a_plain_impl_are_expanded_like_those_of_a_trait() {
    let expanded = pipeline::handlers(
        quote!(channel = "desk", guard = user),
        quote! {
            impl Desk {
                #[ws(guard = Self::is_open)]
                fn add(&self) {}
                #[ws(skip)]
                fn is_open(call: &GuardCall<'_>) -> Result<(), Closed> {
                    Ok(())
                }
            }
        },
    );
    let expanded = pretty(expanded);
    let calls = expanded.lines().map(str::trim).filter(|line| line.contains("guard("));
    insta::assert_snapshot!(calls.collect::<Vec<_>>().join("\n"), @"
    methods.guard(user);
    methods.guard(Self::is_open);
    ");
}

#[test]
fn default_bodies_and_plain_signatures_are_kept() {
    let expanded = pipeline::service(
        quote!(rename_all = "camelCase"),
        quote! {
            /// Reads.
            pub(crate) trait Files: Send {
                /// Reads a file.
                #[deprecated]
                async fn read_file(&self, path: &str) -> String {
                    self.read_now(path)
                }
                #[cfg(unix)]
                fn read_now(&self, path: &str) -> String;
                #[ws(event)]
                async fn log(&self, line: String, bytes: &[u8]);
            }
        },
    );
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn handlers_of_a_trait_expand_to_one_more_impl_and_a_channel_check() {
    let expanded = pipeline::handlers(
        quote!(channel = "io"),
        quote! {
            impl<S: Store> Calc for Desk<S> where S: Clone {
                async fn add(&self, a: i64, b: i64) -> i64 {
                    a + b
                }
            }
        },
    );
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn handlers_without_a_trait_expand_to_a_contract_and_a_proxy() {
    let expanded = pipeline::handlers(
        TokenStream::new(),
        quote! {
            impl Desk {
                #[ws(name = "sum")]
                fn add(&self, #[ws(context)] ctx: Ctx, a: i64) -> i64 {
                    a
                }
            }
        },
    );
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn proxy_docs_end_with_the_type_of_the_result() {
    let expanded = pipeline::service(
        TokenStream::new(),
        quote! {
            trait Market {
                fn nothing(&self);
                fn value(&self) -> Vec<(u8, Option<[u8; 4]>)>;
                fn alias(&self) -> io::Result<u32>;
                fn result(&self) -> Result<HashMap<String, Quote>, FeedError>;
                fn literal(&self) -> Result<u32, &'static str>;
                fn io(&self) -> std::result::Result<u32, std::io::Error>;
                fn boxed(&self) -> Result<u32, Box<dyn Error + Send + Sync>>;
                fn stream(&self) -> impl Stream<Item = Quote> + Send;
                fn results(&self) -> impl Stream<Item = Result<Quote, FeedError>> + Send;
                fn aliases(&self) -> io::Result<impl Stream<Item = io::Result<Quote>> + Send>;
                fn both(&self) -> Result<impl Stream<Item = Result<Quote, FeedError>> + Send, FeedError>;
                async fn upload(&self, quotes: Upload<Quote>) -> Result<(), FeedError>;
                fn scoped(&self) -> Result<Scoped<dyn feed::Feed>, FeedError>;
                #[ws(event)]
                fn event(&self);
            }
        },
    );
    let types: Vec<_> = pretty(expanded)
        .lines()
        .filter_map(|line| line.trim().strip_prefix("/// Resolves to "))
        .map(str::to_owned)
        .collect();
    insta::assert_snapshot!(types.join("\n"), @"
    `()`, or a `CallError`.
    `Vec<(u8, Option<[u8; 4]>)>`, or a `CallError`.
    the `Ok` of `io::Result<u32>`, or a `CallError`.
    `HashMap<String, Quote>`, or a `CallError<FeedError>`.
    `u32`, or a `CallError<String>`.
    `u32`, or a `CallError<Rejection>`.
    `u32`, or a `CallError<Rejection>`.
    `Streaming<Quote>`, or a `CallError`.
    `Streaming<Quote, FeedError>`, or a `CallError`.
    a `Streaming` of `io::Result<Quote>`, or a `CallError`.
    `Streaming<Quote, FeedError>`, or a `CallError<FeedError>`.
    `()`, or a `CallError<FeedError>`.
    `feed::FeedProxy<AnonymousChannel>`, or a `CallError<FeedError>`.
    `Result<(), SendError>`; on an `Audience`, `Result<Delivery, SendError>`.
    ");
}

#[test]
fn an_error_is_converted_to_a_rejection_and_back() {
    let expanded = pipeline::error(quote! {
        #[ws(rename_all = "kebab-case")]
        enum CalcError<T> {
            DivisionByZero,
            #[ws(code = "EBIG")]
            TooBig { max: T },
            Pair(i64, String),
            #[ws(internal)]
            Io(std::io::Error),
        }
    });
    insta::assert_snapshot!(pretty(expanded));
}

#[test]
fn every_path_starts_with_the_given_crate() {
    let service = pipeline::service(
        quote!(crate = facade::inner, channel = "calc"),
        quote! {
            trait Calc {
                async fn add(&self, a: String, b: &[u8]) -> Result<i64, E>;
                #[ws(event)]
                fn log(&self) {}
            }
        },
    );
    let handlers = pipeline::handlers(quote!(crate = "facade::inner", channel = "calc"), quote!(impl Calc for Desk {}));
    let error = pipeline::error(quote! {
        #[ws(crate = facade::inner)]
        struct CalcError(#[from] String);
    });
    for expanded in [service, handlers, error] {
        assert!(!pretty(expanded).contains("wswrapper"));
    }
}

#[test]
fn an_unsupported_item_is_kept_and_reported() {
    let expanded = pipeline::handlers(
        TokenStream::new(),
        quote!(
            struct Desk;
        ),
    );
    insta::assert_snapshot!(pretty(expanded), @r#"
    struct Desk;
    ::core::compile_error! {
        "`#[ws_handlers]` belongs on an `impl` block\nhelp: put it on the `impl` that holds the handlers"
    }
    "#);
}

fn pretty(tokens: TokenStream) -> String {
    let file = syn::parse2(tokens).expect("an expansion is a list of items");
    prettyplease::unparse(&file)
}
