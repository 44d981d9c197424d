use proc_macro2::TokenStream;
use quote::quote;

use super::error::impl_ws_error;
use super::hygiene::Private;
use crate::model::ErrorType;

/// An `impl WsError` for an item with errors. It only keeps rustc from reporting that the `impl` is missing.
pub(crate) fn error(error: &ErrorType<'_>) -> TokenStream {
    let private = Private(&error.krate);
    let body = quote! {
        fn into_rejection(self) -> #private::Rejection {
            #private::internal(#private::String::new())
        }

        fn from_rejection(
            rejection: #private::Rejection,
        ) -> #private::Result<Self, #private::Rejection> {
            #private::Result::Err(rejection)
        }
    };
    impl_ws_error(error, &body)
}
